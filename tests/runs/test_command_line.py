import dataclasses
import importlib
import io
import math
import sys
import typing
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from lab import __main__ as commands
from lab import validation
from lab.agents import environment_checks
from lab.runs import command_line, experiment
from tests.processes import ROOT


@dataclass(frozen=True)
class Config:
    """Settings of a toy."""

    rate: Annotated[float, validation.Interval(0, 1)] = 0.5
    """A rate."""
    size: Annotated[int, validation.Interval(over=0, high=9)] = 3
    """A size."""
    kind: Literal["plain", "double"] = "plain"
    """A kind."""
    layers: tuple[int, ...] = (2, 3)
    """Some layers."""
    name: str | None = None
    """A name."""
    fast: bool = False
    """A switch."""

    def __post_init__(self):
        validation.check_fields(self)


def parse(*argv):
    return command_line.parse("toy", "A toy.", list(argv), Config())[0]


def test_every_field_is_a_flag():
    argv = ["--rate", "0.25", "--size", "7", "--kind", "double", "--layers", "4", "5", "6", "--name", "x", "--fast"]
    assert parse(*argv) == Config(0.25, 7, "double", (4, 5, 6), "x", True)
    assert parse() == Config()


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("--rat 1", "command line: expected a known flag, received --rat (nearest: --rate)"),
        ("--zzz 1", "command line: expected a known flag, received --zzz; see --help"),
        ("--rate abc", "--rate: expected float, received 'abc'"),
        ("--rate 1.5", "--rate: expected a number >= 0 and <= 1, received 1.5"),
        ("--size 0", "--size: expected a number > 0 and <= 9, received 0"),
        ("--size 1.5", "--size: expected int, received '1.5'"),
        ("--size", "--size: expected int, received nothing"),
        ("--kind triple", "--kind: expected 'plain' or 'double', received 'triple'"),
        ("--layers a", "--layers: expected tuple[int, ...], received 'a'"),
        ("--rate nan", "--rate: expected a number >= 0 and <= 1, received nan"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])  # on a terminal without box characters too
def test_bad_input_is_one_line(monkeypatch, encoding, argv, line):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    with pytest.raises(ValueError) as caught:
        parse(*argv.split())
    assert str(caught.value) == line


def test_what_was_received_has_no_line_of_its_own():
    with pytest.raises(ValueError, match=r"^command line: expected a known flag, received a\\nb; see --help$"):
        parse("a\nb")


def test_what_was_received_is_cut_where_it_is_long():
    with pytest.raises(ValueError) as caught:
        parse("--rate", "x" * 20_000)
    assert len(str(caught.value)) < 300


def test_one_line_on_stderr_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop, command_line.one_line_errors():
        raise ValueError("rate: expected 1, received 2.")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "rate: expected 1, received 2\n"


@pytest.mark.parametrize(
    ("name", "space", "message"),
    [
        ("CartPol-v1", None, "received 'CartPol-v1' (nearest: CartPole-v1)"),
        ("Pendulum-v1", "Discrete", "expected a Discrete action space, received Box"),
    ],
)
def test_environments_are_checked(name, space, message):
    with pytest.raises(ValueError) as caught:
        environment_checks.require_environment(name, space)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@dataclass(frozen=True)
class Careless:
    """Somebody's settings, which check nothing."""

    rate: float = 0.5
    """A rate."""
    rates: tuple[float, ...] = ()
    """Rates."""
    size: Annotated[int, validation.Interval(1, 3)] = 2
    """A size."""


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("--rate nan", "--rate: expected a finite number, received nan"),
        ("--rates 1 inf", "--rates: expected a finite number, received (1.0, inf)"),
        ("--size 4", "--size: expected a number >= 1 and <= 3, received 4"),
    ],
)
def test_settings_that_check_nothing_themselves(argv, line):
    with pytest.raises(ValueError) as caught:
        command_line.parse("toy", "A toy.", argv.split(), Careless())
    assert str(caught.value) == line


@pytest.mark.parametrize("ends", [(), (0,), (None, 1)])
def test_a_setting_has_both_ends(ends):
    @dataclasses.dataclass
    class Open:
        rate: Annotated[float, validation.Interval(*ends)] = 0.5

    with pytest.raises(TypeError, match=r"Open.rate: expected an Interval with both ends, received a number"):
        validation.check_fields(Open())


def test_an_interval_has_one_end_on_each_side():
    with pytest.raises(TypeError, match="expected one end on each side, received low=0, over=1"):
        validation.Interval(0, over=1)
    with pytest.raises(TypeError, match="expected one end on each side, received low=None, over=None, high=1, below=1"):
        validation.Interval(high=1, below=1)


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "text"),
    [
        (validation.Interval(0, 1), (0, 1, 0.5, True), (-1e-9, 1.1, float("nan"), "0", None), "a number >= 0 and <= 1"),
        (validation.Interval(over=0), (1e-9, 1e300), (0, -1), "a number > 0"),
        (validation.Interval(0, below=1000), (0, 999.9), (1000,), "a number >= 0 and < 1,000"),
        (validation.Interval(), (-1e300,), (float("nan"),), "a number"),
    ],
)
def test_intervals(interval, inside, outside, text):
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)
    assert str(interval) == text


def test_flag_values():
    assert command_line.flag_value(["--a", "1", "--b=2"], "--a") == "1"
    assert command_line.flag_value(["--a", "1", "--b=2"], "--b") == "2"
    assert command_line.flag_value(["--a"], "--a") is None


MODULES = sorted(path.stem for path in (ROOT / "experiments").glob("*.py") if not path.stem.startswith("_"))
SETTINGS = [
    *((name, importlib.import_module(f"experiments.{name}").Config()) for name in MODULES),
    ("options", experiment.Options()),
    *((name, kind()) for name, kind in vars(commands).items() if dataclasses.is_dataclass(kind)),
]


def is_number(hint):
    """Whether a type has an int or a float anywhere in it."""
    return hint in (int, float) or any(map(is_number, typing.get_args(hint)))


@pytest.mark.parametrize(("name", "usual"), SETTINGS, ids=[name for name, _ in SETTINGS])
def test_every_number_of_every_command_line_has_a_range_that_is_looked_at(name, usual):
    bounds = dict(validation.intervals(type(usual)))
    for field, hint in typing.get_type_hints(type(usual)).items():
        if typing.get_origin(hint) in (typing.Literal, typing.ClassVar) or not is_number(hint):
            continue
        assert field in bounds, f"{name}.{field} has no Range"
        low = bounds[field].low - 1 if bounds[field].over is None else bounds[field].over
        for bad in (math.nan, math.inf, -math.inf, 10**300, low, bounds[field].high + 1):
            value = (bad,) if typing.get_origin(hint) is tuple else bad
            with pytest.raises(ValueError) as caught:
                dataclasses.replace(usual, **{field: value})
            line = str(caught.value)
            assert line.startswith(f"{validation.flag(field)}: expected a number >") and len(line) < 300, line
            assert "\n" not in line
