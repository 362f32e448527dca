"""What the pictures of tabular problems say."""

import gymnasium
import numpy as np
import pytest

from envs.cliff import Cliff
from envs.gridworld import Gridworld4x4
from envs.tabular import from_gymnasium
from experiments.common import tabular
from experiments.common.value_maps import draw_values, marks_of


def texts(axes):
    """{(column, row) of a cell: what is written in it}; arrows have no text."""
    return {tuple(np.round(text.get_position()).astype(int)): text.get_text() for text in axes.texts if text.get_text()}


def test_a_value_map_marks_start_goal_and_cliff_and_explains_them():
    mdp = Cliff().mdp
    _, axes = tabular.new_figure()
    policy = np.ones(mdp.num_states, int)  # right
    marks = marks_of(mdp) | {"C cliff": [(3, column) for column in range(1, 11)]}
    draw_values(axes, mdp, np.arange(38.0), policy, digits=0, title="SARSA", label="steps", marks=marks)
    written = texts(axes)
    assert written[0, 3] == "S  36" and written[11, 3] == "G" and written[0, 0] == "0"
    assert [written[column, 3] for column in range(1, 11)] == ["C"] * 10
    assert axes.get_xlabel() == "S: start    G: goal    C: cliff\narrow: action of the policy"
    assert axes.get_title() == "SARSA" and not len(axes.get_xticks()) and not len(axes.get_yticks())
    assert axes.child_axes[0].get_ylabel() == "steps"  # the colour bar
    arrows = [text for text in axes.texts if not text.get_text()]
    assert len(arrows) == 37  # not in the goal
    assert all(arrow.xy[0] > arrow.get_position()[0] for arrow in arrows)


@pytest.mark.parametrize(("action", "right", "down"), [(0, 0, -1), (1, 1, 0), (2, 0, 1), (3, -1, 0)])
def test_arrows_point_where_the_action_leads(action, right, down):
    mdp = Gridworld4x4().mdp
    _, axes = tabular.new_figure()
    draw_values(axes, mdp, np.zeros(16), np.full(16, action))
    arrow = next(text for text in axes.texts if not text.get_text())
    np.testing.assert_array_equal(np.sign(np.round(np.subtract(arrow.xy, arrow.get_position()), 6)), [right, down])


def test_the_default_marks_are_a_single_start_and_the_goals():
    assert marks_of(Gridworld4x4().mdp) == {"G goal": [(0, 0), (3, 3)]}  # it starts anywhere
    assert marks_of(Cliff().mdp) == {"S start": [(3, 0)], "G goal": [(3, 11)]}


def test_the_colours_of_several_maps_can_have_one_range():
    _, axes = tabular.new_figure()
    draw_values(axes, Gridworld4x4().mdp, np.zeros(16), limits=(-20.0, 0.0))
    assert axes.images[0].get_clim() == (-20, 0)
    assert "arrow" not in axes.get_xlabel()  # there is no policy


def test_holes_of_frozen_lake(tmp_path):
    from experiments import value_iteration_frozenlake as experiment
    from tests.experiments.track import Memory

    drawn = []
    track = Memory(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "save_figure", lambda track, figure, name: drawn.append(figure))
        experiment.run(experiment.Config(evaluation_episodes=1), track)
    written = texts(drawn[0].axes[0])
    desc = gymnasium.make("FrozenLake-v1").unwrapped.desc
    assert from_gymnasium(gymnasium.make("FrozenLake-v1")).num_states == desc.size
    for (row, column), letter in np.ndenumerate(desc):
        if letter in (b"H", b"G"):
            assert written[column, row] == letter.decode()
    assert written[0, 0].startswith("S  0.")
    assert drawn[0].axes[0].get_xlabel().startswith("S: start    H: hole    G: goal")


def test_curves_name_their_band_and_have_whole_ticks():
    _, axes = tabular.new_figure()
    rows = np.array([[1.0, 2, 3], [3, 2, 1]])
    tabular.draw_curves(axes, {"a": rows, "b": rows + 1}, xlabel="episodes")
    assert axes.get_legend().get_title().get_text() == "mean and 95 % interval"
    assert [line.get_color() for line in axes.lines] == list(tabular.COLOURS[:2])
    assert all(tick == round(tick) for tick in axes.get_xticks())
    _, axes = tabular.new_figure()
    tabular.draw_curves(axes, {"one run": rows[:1]}, x=[0.1, 0.2, 0.3])
    assert axes.get_legend().get_title().get_text() == ""
