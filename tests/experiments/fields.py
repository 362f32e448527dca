"""One check for the settings of all experiments: another value of a field changes the run's log."""

import contextlib
import dataclasses
from typing import Any, NamedTuple

from tests.experiments.track import Differs, undrawn, until_it_differs


class Alive(NamedTuple):
    """The settings of an experiment, and another value for each of them."""

    module: Any  # with Config and run
    start: dict  # settings of a brief run
    changes: dict  # {field: another value than `start` or the default}
    elsewhere: dict = {}  # {field: more settings to start from, without which it changes nothing}
    left_out: frozenset = frozenset()  # fields that other tests check


def names(config):
    """The names of the fields of a dataclass."""
    return [field.name for field in dataclasses.fields(config)]


def cases(tables):
    """(name, field) of every field of every experiment, for `pytest.mark.parametrize`."""
    fields = ((name, table, field) for name, table in tables.items() for field in names(table.module.Config))
    return [(name, field) for name, table, field in fields if field not in table.left_out]


def check(observe, tables, name, field):
    """Fails if the run logs the same with another value of the field.

    Args:
        observe: a function (name, **settings) -> what the run logged and more, by parts.
    """
    start, changes = tables[name].elsewhere.get(field, {}), tables[name].changes
    assert field in changes, f"{name}: expected a change of {field}, received none"
    parts = observe(name, **start)
    logged = next((part for part in parts if isinstance(part, list)), None)
    with until_it_differs(logged), contextlib.suppress(Differs):
        assert observe(name, **start | {field: changes[field]}) != parts


def remember_undrawn(observed, folders, parts=2):
    """As `remember`, without pictures, of the first `parts` that `observed` returns."""

    def brief(folder, name, **settings):
        with undrawn():
            return observed(folder, name, **settings)[:parts]

    return remember(brief, folders)


def remember(observed, folders):
    """`observed(folder, name, **settings)` as `observe(name, **settings)`.

    The same settings run only once.

    Args:
        folders: pytest's tmp_path_factory.
    """
    seen = {}

    def observe(name, **settings):
        key = name, repr(sorted(settings.items()))
        if key not in seen:
            seen[key] = observed(folders.mktemp(name), name, **settings)
        return seen[key]

    return observe
