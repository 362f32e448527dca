"""Command lines made from dataclasses, and errors of one line."""

import contextlib
import dataclasses
import difflib
import io
import itertools
import math
import os
import re
import reprlib
import sys
import typing


class Range:
    """Bounds of a number, as the second part of `Annotated[float, Range(0, 1)]`; both ends belong to it.

    `over` excludes the lower end instead. A number without an upper bound is a typing error away from a run that no machine can do.
    """

    def __init__(self, low=None, high=None, *, over=None):
        if high is None or (low is None) == (over is None):
            raise TypeError(f"Range: expected both ends, received low={low}, over={over}, high={high}")
        self.low, self.high, self.over = low, high, over

    def __contains__(self, value):
        # NaN is in no order with a bound.
        return value <= self.high and (value > self.over if self.low is None else value >= self.low)

    def __str__(self):
        least = f"> {_figures(self.over)}" if self.low is None else f">= {_figures(self.low)}"
        return f"a number {least} and <= {_figures(self.high)}"


def _figures(bound):
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


class SettingError(ValueError):
    """A setting that only the run could find to be bad: its line is all that there is to say."""

    exit_code = 2


def require(condition, name, expected, received):
    """Raises the one-line ValueError of a bad setting unless `condition` holds."""
    if not condition:
        raise ValueError(f"{flag(name)}: expected {expected}, received {shown(received)}")


def shown(value):
    """What was received, as a message shows it: long ones are cut in the middle."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = 200
    brief.maxtuple = brief.maxlist = 20
    return brief.repr(value)


def ranges(kind):
    """(field, its `Range`) of a dataclass and of those it inherits from; a field that both give one has to be in both."""
    return tuple(
        (name, bounds)
        for base in filter(dataclasses.is_dataclass, kind.__mro__)
        for name, hint in typing.get_type_hints(base, include_extras=True).items()
        for bounds in getattr(hint, "__metadata__", ())
        if isinstance(bounds, Range)
    )


def check_ranges(config):
    """Checks every field of a dataclass against its `Range`, each number of a tuple; a number without one must be finite.

    Command lines are checked by `parse`; a `Config` that computes with its fields in `__post_init__` calls this first.
    """
    for name, bounds in ranges(type(config)):
        value = getattr(config, name)
        if isinstance(value, tuple | list):
            require(all(each in bounds for each in value), name, f"{bounds} in each place", value)
        elif value is not None:
            require(value in bounds, name, str(bounds), value)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        numbers = value if isinstance(value, tuple | list) else (value,)
        finite = all(math.isfinite(each) for each in numbers if isinstance(each, float))
        require(finite, field.name, "a finite number", value)


def require_environment(name, space=None, *, check=None, make=None):
    """Checks that a Gymnasium id exists, suggesting the nearest, and that its action space is of type `space`.

    Args:
        make: how to make it, instead of `gymnasium.make`.
        check: called with the environment; raises a ValueError where it is unfit.
    """
    import gymnasium

    from lab import environments

    known = environments.register(name)
    if known not in gymnasium.registry:
        near = difflib.get_close_matches(known, gymnasium.registry, n=1, cutoff=0.3)
        hint = f" (nearest: {near[0]})" if near else ""
        raise ValueError(f"--environment: expected the id of a Gymnasium environment, received {shown(name)}{hint}")
    try:
        env = (make or gymnasium.make)(name)
    except Exception as error:
        if str(error).startswith("--"):  # names its own flag
            raise
        message = (str(error) or repr(error)).splitlines()[0].removeprefix("env: ")
        raise ValueError(
            f"--environment: expected an environment that can be made, received {shown(name)}: {message}"
        ) from error
    actions = env.action_space
    try:
        if check is not None:
            check(env)
    except ValueError as error:
        raise ValueError(f"--environment: {str(error).removeprefix('env: ').rstrip('.')}, of {name}") from error
    finally:
        env.close()
    if space is not None and type(actions).__name__ != space:
        received = " ".join(str(actions).split())
        raise ValueError(f"--environment: expected a {space} action space, received {received} of {name}")
    if space == "Discrete" and getattr(actions, "start", 0) != 0:
        raise ValueError(f"--environment: expected actions that count from 0, received {actions} of {name}")


def flag(name):
    """The flag of a field."""
    return "--" + name.replace("_", "-")


def flag_value(argv, name):
    """The value after a flag in `argv`, or None."""
    for position, argument in enumerate(argv):
        if argument == name and position + 1 < len(argv):
            return argv[position + 1]
        if argument.startswith(f"{name}="):
            return argument.split("=", 1)[1]
    return None


@contextlib.contextmanager
def one_line_errors():
    """Turns bad input into one line on stderr and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        print(str(error).strip().rstrip("."), file=sys.stderr)
        sys.exit(2)


def parse(prog, description, argv, *defaults):
    """Instances of the dataclasses of `defaults`, each field a flag of one command line.

    Raises:
        ValueError: one line, for an unknown flag or a value of the wrong type.
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
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" (nearest: {near[0]})" if near else "; see --help"
        raise ValueError(f"command line: expected a known flag, received {shown(unknown[0])[1:-1]}{hint}")
    found = tuple(getattr(parsed, type(default).__name__.lower()) for default in defaults)
    for each in found:
        check_ranges(each)
    return found


@contextlib.contextmanager
def _unbroken_lines(argv):
    """Makes the terminal wide for tyro's complaints: a message that it breaks cannot be put together again."""
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
    """The framed message of tyro message, as: flag, expected, received."""
    # A frame of box characters or, on a terminal that has none, rules of "-"; the help stands below.
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
