"""What is read from the docstring of an experiment, and when a result reaches it."""

import math

import pytest

from lab.runs import lifecycle
from lab.runs.about import About, conditions
from lab.runs.lifecycle import Ending
from lab.runs.run_folder import RunFolder
from tests.runs.test_lifecycle import HEADER

DOCSTRING = """A toy learns.

Expected: r >= 1 (random 0)
Time: seconds
Expected: error <= 1e-3
Algorithm: toy learning
Task: Toys-v0
Topic: Toys
"""


def test_a_docstring_is_read_line_by_line():
    about = About.parse(DOCSTRING)
    assert about == ("A toy learns.", "r >= 1 (random 0) and error <= 1e-3", "seconds", "toy learning", "Toys-v0", "Toys")
    assert About.parse("Only this.\n\nMore.") == ("Only this.", "", "", "", "", "")
    assert About.parse("  \n").summary == "-"


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("", []),
        ("it works", []),
        ("last_greedy_return >= 475 (optimal 500)", [("last_greedy_return", ">= 475 (optimal 500)", ">=", 475.0)]),
        ("a >= -0.06 and b <= 1e-8", [("a", ">= -0.06", ">=", -0.06), ("b", "<= 1e-8", "<=", 1e-8)]),
        ("a >= 0.5 (GRU 0.8; b >= 3), c-1 <= .5;", [("a", ">= 0.5 (GRU 0.8; b >= 3)", ">=", 0.5), ("c-1", "<= .5", "<=", 0.5)]),
    ],
)
def test_the_conditions_of_an_expectation(expected, found):
    assert [tuple(each) for each in conditions(expected).values()] == found
    assert list(conditions(expected)) == [each[0] for each in found]


@pytest.mark.parametrize(
    ("expected", "value", "word"),
    [
        ("r >= 1", 1.0, "reached"),
        ("r >= 1", 0.999, "missed"),
        ("r <= 1", 1.0, "reached"),
        ("r <= 1", 1.001, "missed"),
        ("r >= 1", math.nan, "missed"),
        ("r <= 1", math.nan, "missed"),
        ("r >= 1", math.inf, "reached"),
    ],
)
def test_a_result_is_compared_with_what_is_expected(capsys, expected, value, word):
    lifecycle.say_ending(RunFolder.create(HEADER), expected, Ending(results={"r": value, "other": 2.0}))
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == f"r {value:.4g}   expected {expected[2:]}: {word}"
    assert second == "other 2"


def test_each_of_several_conditions_is_compared(capsys):
    lifecycle.say_ending(RunFolder.create(HEADER), "a >= 1 (one) and b <= 2", Ending(results={"a": 1.0, "b": 3.0}))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["a 1   expected >= 1 (one): reached", "b 3   expected <= 2: missed"]


def test_without_an_expectation_nothing_is_compared(capsys):
    lifecycle.say_ending(RunFolder.create(HEADER), "", Ending(results={"a": 1.0}))
    assert capsys.readouterr().out.splitlines()[0] == "a 1"
