from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from lab import command


@dataclass(frozen=True)
class Config:
    """Settings of a toy."""

    rate: Annotated[float, command.Range(0, 1)] = 0.5
    """A rate."""
    size: Annotated[int, command.Range(over=0)] = 3
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
        command.check_ranges(self)


def parse(*argv):
    return command.parse("toy", "A toy.", list(argv), Config())[0]


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
        ("--size 0", "--size: expected a finite number > 0, received 0"),
        ("--size 1.5", "--size: expected int, received '1.5'"),
        ("--size", "--size: expected int, received nothing"),
        ("--kind triple", "--kind: expected 'plain' or 'double', received 'triple'"),
        ("--layers a", "--layers: expected tuple[int, ...], received 'a'"),
        ("--rate nan", "--rate: expected a number >= 0 and <= 1, received nan"),
    ],
)
def test_bad_input_is_one_line(argv, line):
    with pytest.raises(ValueError) as caught:
        parse(*argv.split())
    assert str(caught.value) == line


def test_one_line_on_stderr_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop, command.one_line_errors():
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
        command.require_environment(name, space)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_flag_values():
    assert command.flag_value(["--a", "1", "--b=2"], "--a") == "1"
    assert command.flag_value(["--a", "1", "--b=2"], "--b") == "2"
    assert command.flag_value(["--a"], "--a") is None
