"""What pictures that several experiments share say."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments import dqn_cartpole, ppo_pendulum
from experiments.common import deep_agents, gallery, recurrent
from tests.experiments.track import Memory


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: (figures.append(figure), path.touch()))
    return figures


class DQN:
    """The name of an agent."""


@pytest.mark.parametrize(
    ("config", "title", "lines"),
    [
        (dqn_cartpole.Config(), "DQN on CartPole-v1", {"expected: at least 475": 475.0, "random policy: 22": 22.0}),
        (ppo_pendulum.Config(), "DQN on Pendulum-v1", {"expected: at least -170": -170.0, "random policy: -1230": -1230.0}),
        (dataclasses.replace(dqn_cartpole.Config(), environment="Acrobot-v1"), "DQN on Acrobot-v1", {}),
    ],
)
def test_the_curve_of_an_agent_has_its_problem_and_the_scores_to_compare_with(config, title, lines):
    asked = {}
    track = SimpleNamespace(curve=lambda key, **options: asked.update(options, key=key))
    deep_agents.draw_curve(dataclasses.replace(config, check_episodes=7), track, DQN())
    assert asked["key"] == "episode_return" and asked["title"] == f"Return of training episodes: {title}"
    assert asked["lines"] == lines
    assert asked["dots"] == {"check_return": "greedy policy, mean of 7 episodes"}


def test_a_comparison_of_cells_has_a_legend(tmp_path, drawn):
    rows = {"gru": [{"accuracy": 0.5}, {"accuracy": 0.7}], "lstm": [{"accuracy": 0.2}]}
    recurrent.compare(Memory(tmp_path), rows, ["accuracy"], over="accuracy", baseline=("at random", 0.125))
    (figure,) = drawn
    texts = {text.get_text() for text in figure.legends[0].get_texts()}
    assert texts == {"mean", "each seed", "at random: 0.125"}
    assert figure.axes[0].get_title() == "Accuracy of each kind of recurrent cell"


def test_the_gallery_names_its_curves_and_colours():
    legend = gallery.activations().legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["function", "derivative"]
    figure = gallery.show({"photograph": np.zeros((2, 2)), "kernel": np.ones((2, 2))}, colours=("kernel",))
    assert figure.get_supxlabel() == "kernel: blue is positive, red is negative"
