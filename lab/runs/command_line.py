"""Command lines that are made from dataclasses, and error messages of one line."""

import contextlib
import dataclasses
import io
import itertools
import os
import re
import sys
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from lab import renamed
from lab.validation import check_fields, flag, nearest, shown

HELP = ("-h", "--help")


def flag_value(argv: Sequence[str], name: str) -> str | None:
    """The value of a flag in `argv`, or None."""
    for position, argument in enumerate(argv):
        if argument == name and position + 1 < len(argv):
            return argv[position + 1]
        if argument.startswith(f"{name}="):
            return argument.split("=", 1)[1]
    return None


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns a ValueError or an OSError into one line on stderr and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        print(str(error).strip().rstrip("."), file=sys.stderr)
        sys.exit(2)


def parse(prog: str, description: str, argv: Sequence[str], *defaults: Any) -> tuple[Any, ...]:
    """Reads a command line into dataclasses. Each field is a flag.

    Args:
        defaults: an instance of each dataclass, with the values of the flags that are not given.

    Returns:
        A new instance of each dataclass.

    Raises:
        ValueError: an unknown flag, or a value of the wrong type or outside its interval. One line.
    """
    import tyro

    fields: list = [
        (
            type(default).__name__.lower(),
            tyro.conf.OmitArgPrefixes[type(default)],  # type: ignore[misc]
            dataclasses.field(default=default),
        )
        for default in defaults
    ]
    combined = dataclasses.make_dataclass("Arguments", fields, frozen=True)
    combined.__doc__ = description
    known = [flag(field.name) for default in defaults for field in dataclasses.fields(default)]
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint), _unbroken_lines(argv):
            parsed, unknown = tyro.cli(  # type: ignore[var-annotated]
                combined, prog=prog, args=argv, return_unknown_args=True
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise ValueError(_one_line(complaint.getvalue(), argv, defaults)) from None
    if unknown:
        hint = nearest(unknown[0], known, 1, 0.6) or "; see --help"
        raise ValueError(f"command line: expected a known flag, received {shown(unknown[0])[1:-1]}{hint}")
    found = tuple(getattr(parsed, type(default).__name__.lower()) for default in defaults)
    for each in found:
        check_fields(each)
    return found


def words(settings: Any, usual: Any) -> list[str]:
    """The flags that make `settings` of `usual`: those of the fields that differ.

    Args:
        settings, usual: two instances of one dataclass.
    """
    found = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value != getattr(usual, field.name):
            found += words_of(field.name, value)
    return found


def words_of(name: str, value: Any) -> list[str]:
    """The flag that sets a field to a value, and its words."""
    if isinstance(value, bool):
        return [flag(name) if value else flag(name).replace("--", "--no-", 1)]
    return [flag(name), *map(str, value if isinstance(value, tuple | list) else [value])]


@contextlib.contextmanager
def _unbroken_lines(argv):
    """Makes the terminal wide for tyro's error messages. Broken lines could not be joined again."""
    before = os.environ.get("COLUMNS")
    if not {"-h", "--help"} & set(argv):
        os.environ["COLUMNS"] = "100000"
    try:
        yield
    finally:
        os.environ.pop("COLUMNS", None)
        if before is not None:
            os.environ["COLUMNS"] = before


def _one_line(text, argv, defaults):
    """Turns the framed message of tyro into "<flag>: expected …, received …"."""
    # The frame is made of box characters, or of "-" on a terminal without them. Then the help.
    lines = [line for line in (line.strip("│╭╮╰╯ ") for line in text.splitlines()[1:]) if line.strip("─-")]
    body = " ".join(itertools.takewhile(lambda line: not line.startswith(("Argument helptext", "For full helptext")), lines))
    ours = re.search(r"--[a-z][\w-]*: (?:[\w ]+: )?expected .+, received .+", body)
    if ours:
        return ours.group(0)
    name = next(iter(re.findall(r"--[a-z][\w-]*", body)), "").replace("--no-", "--")
    for default in defaults:
        hint = typing.get_type_hints(type(default)).get(name.removeprefix("--").replace("-", "_"))
        if hint is not None:
            literal = typing.get_origin(hint) is typing.Literal
            kind = str(hint) if typing.get_args(hint) else hint.__name__
            expected = " or ".join(map(repr, typing.get_args(hint))) if literal else kind
            received = flag_value(argv, name)
            return f"{name}: expected {expected}, received {'nothing' if received is None else shown(received)}"
    return body


__getattr__ = renamed(
    __name__,
    {
        "Range": "lab.validation.Interval",
        "SettingError": "lab.errors.SettingError",
        "check_ranges": "lab.validation.check_fields",
        "require": "lab.validation.require",
        "require_environment": "lab.agents.environment_checks.require_environment",
    },
)
