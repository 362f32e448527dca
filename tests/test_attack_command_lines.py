"""The attack with random command lines: what it can find, and a few of its lines."""

import sys

import pytest

from benchmarks import attack_command_lines as attack


def target(plan):
    return attack.Target("toy", (), {}, lambda argv: plan(*argv))


def bad(message):
    def plan():
        raise ValueError(message)

    return plan


def makes(home):
    def plan():
        (home / "left").touch()
        raise ValueError("--x: expected 1, received 2")

    return plan


def test_what_is_legitimate_and_what_is_one_line(own_home):
    assert attack.parse(target(lambda: None), [], own_home) == (True, [])
    assert attack.parse(target(bad("--x: expected 1, received 2")), [], own_home) == (False, [])


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (lambda: {}["x"], "KeyError: 'x'"),
        (bad("--x: expected 1,\nreceived 2"), "exit code 2: "),
        (bad("wrong"), "expected 'expected …, received …', received 'wrong'"),
        (bad(""), "exit code 2: "),
        (lambda: sys.exit(1), "exit code 1: "),
    ],
)
def test_what_breaks_the_promise_is_found(own_home, plan, words):
    legitimate, wrong = attack.parse(target(plan), [], own_home)
    assert not legitimate
    assert wrong[0].startswith(words)


def test_what_is_made_is_found(own_home):
    assert attack.parse(target(makes(own_home)), [], own_home) == (False, ["made ['left']"])


@pytest.mark.slow
def test_a_few_command_lines(own_home):
    rows = []
    attack.attack(7, 0.02, [{"kind": "run"}], rows.append)
    (row,) = rows
    assert row["differences"] == []
    assert row["counts"]["lines"] == 40
    assert min(row["counts"].values()) >= 10
