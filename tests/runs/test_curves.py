"""What learning curves show: lines to compare with, checks as dots."""

import dataclasses
import importlib

import pytest
from matplotlib.figure import Figure

from lab.runs import curves
from tests.runs.test_lifecycle import track as track


def labels(figure):
    """The entries of the legend of a figure."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def heights(figure):
    """{label: height} of the horizontal lines."""
    lines = figure.axes[0].lines
    return {line.get_label(): line.get_ydata()[0] for line in lines if line.get_linestyle() in ("--", ":", "-.")}


@pytest.mark.parametrize(
    ("expected", "result", "lines"),
    [
        (
            "Expected: greedy_return >= 475 (optimal 500, random policy 22)",
            "greedy_return",
            {"expected: at least 475": 475, "random policy: 22": 22},
        ),
        ("Expected: a <= 1e-8 (of five)", "a", {"expected: at most 1e-08": 1e-8}),
        (
            "Expected: a >= 0.5 (the best policy reaches 0.74, a random one 0.014)",
            "a",
            {"expected: at least 0.5": 0.5, "random policy: 0.014": 0.014},
        ),
        ("Expected: a >= 0.5 (0.55 to 0.62; at random 0.1)", "a", {"expected: at least 0.5": 0.5, "at random: 0.1": 0.1}),
        ("Expected: a >= -80 (random policy -500)", "a", {"expected: at least -80": -80, "random policy: -500": -500}),
        ("no such line", "", {}),
    ],
)
def test_scores_are_read_from_a_docstring(expected, result, lines):
    assert curves.Scores.parse(f"A title.\n\n{expected}\nTime: short") == (result, lines)


def test_the_lines_of_an_experiment_hold_for_its_own_problem():
    module = importlib.import_module("experiments.dqn_cartpole")
    lines = {"expected: at least 475": 475, "random policy: 22": 22}
    assert curves.reference_lines(module.Config(), "greedy_return", "last_greedy_return") == lines
    assert curves.reference_lines(module.Config(steps=5_000), "last_greedy_return") == lines
    assert curves.reference_lines(module.Config(), "greedy_return") == {}  # another result is expected
    assert curves.reference_lines(module.Config(environment="Acrobot-v1"), "last_greedy_return") == {}


def test_settings_of_a_notebook_have_no_lines():
    config = dataclasses.make_dataclass("Config", ["steps"])(3)
    type(config).__module__ = "nowhere"
    assert curves.reference_lines(config, "loss") == {}


def test_a_curve_says_what_it_shows():
    points = [(0, 20.0), (50_000, 300.0), (100_000, 480.0)]
    figure = curves.learning_curve(
        points,
        title="Return of training episodes: DQN on CartPole-v1",
        y_label="return",
        x_label="environment steps",
        lines={"expected: at least 475": 475, "random policy: 22": 22},
        dots={"greedy policy": [(50_000, 500.0)]},
    )
    (axes,) = figure.axes
    assert axes.get_title() == "Return of training episodes: DQN on CartPole-v1"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("environment steps", "return")
    assert heights(figure) == {"expected: at least 475": 475, "random policy: 22": 22}
    assert labels(figure) == ["return", "greedy policy", "expected: at least 475", "random policy: 22"]
    dots = next(line for line in axes.lines if line.get_label() == "greedy policy")
    assert (dots.get_marker(), dots.get_linestyle(), dots.get_ydata()[0]) == ("o", "None", 500)
    figure.canvas.draw()
    assert "100,000" in [tick.get_text() for tick in axes.get_xticklabels()]


def test_an_empty_curve_says_so():
    figure = curves.learning_curve([], title="t", y_label="y", x_label="x")
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing was recorded"]


def test_the_picture_of_a_run(track, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: (drawn.append(figure), path.touch()))
    for step in range(3):
        track.log({"episode_return": 10.0 * step, "check_return": 100.0}, step)
    track.curve("episode_return", label="return", x_label="steps")
    track.curve(
        "episode_return", label="return", x_label="steps", title="What", lines={"goal": 5}, dots={"check_return": "checks"}
    )
    plain, full = drawn
    assert plain.axes[0].get_title() == f"Return: {track.folder.name}" and not plain.legends
    assert full.axes[0].get_title() == "What"
    assert heights(full) == {"goal": 5} and labels(full) == ["return", "checks", "goal"]
