"""Checks of arguments and settings. Their messages have one form: "<name>: expected …, received …".

An `Interval` says which numbers are allowed. A field of a configuration has it in its annotation,
and a constructor calls its `check`:

    rate: Annotated[float, Interval(0, 1)]
    Interval(0, 1).check("rate", rate)
"""

import dataclasses
import difflib
import math
import reprlib
import typing
from collections.abc import Collection, Iterable
from numbers import Integral
from typing import Any

import numpy as np


class Interval:
    """An interval of numbers that are allowed.

    Args:
        low, high: its ends, which are allowed too. Without one it is unbounded on that side.
        over: instead of `low`, an end that is not allowed itself.
        below: instead of `high`, an end that is not allowed itself.
    """

    def __init__(
        self, low: float | None = None, high: float | None = None, *, over: float | None = None, below: float | None = None
    ) -> None:
        if (low is not None and over is not None) or (high is not None and below is not None):
            raise TypeError(
                f"Interval: expected one end on each side, received low={low}, over={over}, high={high}, below={below}"
            )
        self.low = low
        self.high = high
        self.over = over
        self.below = below

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, int | float | np.integer | np.floating) or value != value:  # only NaN differs from itself
            return False
        above = value > self.over if self.over is not None else self.low is None or value >= self.low
        within = value < self.below if self.below is not None else self.high is None or value <= self.high
        return bool(above and within)

    def __str__(self) -> str:
        ends = ((">=", self.low), (">", self.over), ("<=", self.high), ("<", self.below))
        bounds = " and ".join(f"{sign} {_figures(end)}" for sign, end in ends if end is not None)
        return f"a number {bounds}" if bounds else "a number"

    def is_closed(self) -> bool:
        """Whether it has both ends."""
        return (self.low, self.over) != (None, None) and (self.high, self.below) != (None, None)

    def check(self, name: str, value: Any) -> Any:
        """Returns the value. If it is not allowed, a ValueError names the argument."""
        return _hold(value in self, name, str(self), value)


POSITIVE = Interval(over=0)
NOT_NEGATIVE = Interval(0)
UNIT = Interval(0, 1)
SHARE = Interval(over=0, high=1)
FRACTION = Interval(0, below=1)


def integer(name: str, value: Any, least: int = 1) -> int:
    """Returns an integer as Python's. Raises a ValueError if it is none or below `least`."""
    good = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least
    return int(_hold(good, name, f"an integer >= {least}", value))


def integer_range(name: str, bounds: Any, least: int = 1, greatest: int | None = None) -> None:
    """ValueError unless `bounds` are two integers, least <= low <= high <= greatest."""
    pair = isinstance(bounds, tuple | list) and len(bounds) == 2 and all(isinstance(each, Integral) for each in bounds)
    if not pair:
        raise ValueError(f"{name}: expected (least, greatest), two integers, received {bounds!r}.")
    low, high = bounds
    if not least <= low <= high <= (high if greatest is None else greatest):
        end = "" if greatest is None else f" <= {greatest}"
        raise ValueError(
            f"{name}: expected (least, greatest) with {least} <= least <= greatest{end}, received {tuple(bounds)}."
        )


def same_shape(**arrays: Any) -> None:
    """Checks that arrays or tensors have one shape, so that none is silently broadcast."""
    shapes = {name: tuple(np.shape(array)) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{next(iter(shapes))}: expected {', '.join(shapes)} of one shape, received {received}.")


def require_name(what: str, value: Any, names: Collection[str]) -> None:
    """Checks that the value is one of the names. If not, the ValueError has the nearest names."""
    if value not in names:
        raise ValueError(f"{what}: expected one of {', '.join(names)}, received {value!r}{nearest(value, names)}.")


def nearest(value: Any, names: Iterable[str], count: int = 3, cutoff: float = 0.4) -> str:
    """The end of a message: " (nearest: ...)", with the names that look like the value, or ""."""
    near = difflib.get_close_matches(str(value), list(names), count, cutoff)
    return f" (nearest: {', '.join(near)})" if near else ""


def require(condition: Any, name: str, expected: str, received: Any) -> None:
    """Raises a one-line ValueError, which names the setting's flag, unless `condition` holds."""
    if not condition:
        raise ValueError(f"{flag(name)}: expected {expected}, received {shown(received)}")


def flag(name: str) -> str:
    """The flag of a field."""
    return "--" + name.replace("_", "-")


def shown(value: Any) -> str:
    """A value as messages show it. Long values are cut in the middle."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = 200
    brief.maxtuple = brief.maxlist = 20
    return brief.repr(value)


def intervals(kind: type) -> tuple[tuple[str, Interval], ...]:
    """(field, its `Interval`) of a dataclass and of those from which it inherits.

    A field that has an interval in both classes must be in both. A setting needs both ends: without
    an upper bound, one wrong key starts a run that no machine can finish.
    """
    found = tuple(
        (name, bounds)
        for base in filter(dataclasses.is_dataclass, kind.__mro__)
        for name, hint in typing.get_type_hints(base, include_extras=True).items()
        for bounds in getattr(hint, "__metadata__", ())
        if isinstance(bounds, Interval)
    )
    for name, bounds in found:
        if not bounds.is_closed():
            raise TypeError(f"{kind.__name__}.{name}: expected an Interval with both ends, received {bounds}.")
    return found


def check_fields(config: Any) -> None:
    """Checks every number in the fields of a dataclass, also those in tuples.

    It must be in the `Interval` of its field. Without an interval it must be finite.

    `lab.runs.command_line.parse` calls this for every command line. A `Config` that computes with
    its fields in `__post_init__` calls it first.
    """
    for name, bounds in intervals(type(config)):
        value = getattr(config, name)
        if isinstance(value, tuple | list):
            require(all(each in bounds for each in value), name, f"{bounds} in each place", value)
        elif value is not None:
            require(value in bounds, name, str(bounds), value)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        numbers: Iterable[Any] = value if isinstance(value, tuple | list) else (value,)
        finite = all(math.isfinite(each) for each in numbers if isinstance(each, float))
        require(finite, field.name, "a finite number", value)


def _figures(bound):
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _hold(good, name, expected, value):
    if not good:
        received = f"an array of shape {tuple(value.shape)}" if getattr(value, "shape", ()) else repr(value)
        raise ValueError(f"{name}: expected {expected}, received {received}.")
    return value


# The names of networks, so that command lines know them without an import of Keras.
_RESIDUAL = ("resnet", "preresnet", "plain")
_DEPTHS = (20, 32, 44, 56, 110, 18, 34, 50, 101, 152)
FAMILIES = (  # of lab.models.FAMILIES
    *("lenet5", "vgg11", "vgg13", "vgg16", "vgg19", "googlenet", "inception_v3"),
    *(f"{form}{depth}" for form in _RESIDUAL for depth in _DEPTHS),
    *("densenet_bc40", "densenet_bc100", "densenet121", "densenet169", "densenet201"),
    *("xception", "mobilenet", "mobilenet_v2"),
)
GATED = ("gru", "lstm")  # Keras's cells with gates, whose biases can have a time scale
CELLS = ("simple", *GATED, "peephole_lstm", "layer_norm_lstm", "layer_norm_gru", "irnn")  # of lab.models.sequence_network
