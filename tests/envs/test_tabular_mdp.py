"""The MDP as arrays: what it checks, and what it reads out of Gymnasium's environments."""

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from scipy import sparse

from envs.random_mdp import random_mdp
from envs.tabular import TabularMDP, from_gymnasium

RIGHT = np.array([[[0.0, 1.0]], [[0.0, 1.0]]])  # two states, one action


def three(**changes):
    rows = np.array([[[0.5, 0.5, 0], [0, 0, 1.0]], [[0, 0, 1.0], [1.0, 0, 0]], [[0, 0, 0], [0, 0, 0]]])
    return TabularMDP(**({"transitions": rows, "rewards": np.ones((3, 2)), "terminal": [2]} | changes))


def test_what_it_holds():
    mdp = three()
    assert (mdp.num_states, mdp.num_actions) == (3, 2)
    assert mdp.terminal.tolist() == [False, False, True]
    assert mdp.available.tolist() == [[True, True], [True, True], [False, False]]
    np.testing.assert_array_equal(mdp.expected_rewards, [[1, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(mdp.start, [0.5, 0.5, 0])
    states, probabilities, rewards = mdp.successors(0, 0)
    assert (states.tolist(), probabilities.tolist(), rewards.tolist()) == ([0, 1], [0.5, 0.5], [1, 1])
    with pytest.raises(ValueError, match="read-only"):
        mdp.transitions[0] = 0


def test_rewards_of_transitions_and_sparse_rows():
    each = np.arange(12.0).reshape(2, 2, 3).repeat([2, 1], axis=0)
    mdp = three(rewards=each)
    assert mdp.expected_rewards[0].tolist() == [0.5 * each[0, 0, 0] + 0.5 * each[0, 0, 1], each[0, 1, 2]]
    assert mdp.successors(0, 0)[2].tolist() == each[0, 0, :2].tolist()
    dense = three()
    other = three(transitions=sparse.csr_array(dense.transitions.reshape(6, 3)))
    for pair in np.ndindex(2, 2):
        for one, two in zip(dense.successors(*pair), other.successors(*pair), strict=True):
            np.testing.assert_array_equal(one, two)


def changed(at, value):
    rows = np.array(three().transitions)
    rows[at] = value
    return rows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"transitions": changed((0, 0, 0), 0.4)},
            "transitions: expected rows that sum to 1, received 0.9 for state 0, action 0.",
        ),
        (
            {"transitions": changed((slice(0, 2), 1, 2), 0.3)},
            r"sum to 1, received 0.3 for state 0, action 1 \(and 1 more rows\)",
        ),
        ({"transitions": changed((1, 1), [1.5, -0.5, 0])}, "expected probabilities >= 0, received -0.5 for state 1, action 1"),
        ({"transitions": changed((0, 0, 0), np.nan)}, "transitions: expected probabilities >= 0, received nan"),
        ({"transitions": sparse.csr_array(changed((0, 0, 0), 0.4).reshape(6, 3))}, "received 0.9 for state 0, action 0"),
        ({"transitions": np.zeros((2, 3))}, r"transitions: expected an array \[S, A, S\], received the shape \(2, 3\)"),
        ({"transitions": sparse.csr_array((5, 3))}, r"expected a matrix \[S A, S\], received the shape \(5, 3\)"),
        ({"rewards": np.ones((2, 3))}, r"rewards: expected the shape \(3, 2\) or \(3, 2, 3\), received \(2, 3\)"),
        ({"rewards": np.full((3, 2), np.nan)}, "rewards: expected finite numbers, received nan for state 0, action 0"),
        ({"discount": 1.5}, r"discount: expected a number >= 0 and <= 1, received 1.5"),
        ({"discount": float("nan")}, "discount: expected a number"),
        ({"terminal": [3]}, r"terminal: expected states in \[0, 3\), received \[3\]"),
        ({"terminal": [0, 1, 2]}, "terminal: expected a state that is not terminal"),
        ({"start": [0.5, 0.4, 0.0]}, "start: expected probabilities that sum to 1, received a sum of 0.9"),
        (
            {"available": [[False, False], [True, True], [True, True]]},
            "available: expected an action in every state, received none in 0",
        ),
        ({"reward_noise": -np.ones((3, 2))}, "reward_noise: expected numbers >= 0, received -1"),
        ({"state_names": ("a",)}, "state_names: expected 3 names, received 1"),
    ],
)
def test_bad_input(changes, words):
    with pytest.raises(ValueError, match=words):
        three(**changes)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Taxi-v4", "CliffWalking-v1", "FrozenLake8x8-v1"])
def test_gymnasiums_tables_are_read_exactly(name):
    env = gymnasium.make(name).unwrapped
    mdp = from_gymnasium(env, discount=0.9)
    assert mdp.discount == 0.9
    for state in range(env.observation_space.n):
        if mdp.terminal[state]:
            continue
        for action in range(env.action_space.n):
            expected: dict = {}
            for probability, following, reward, ended in env.P[state][action]:
                old, _, _ = expected.get(following, (0.0, 0.0, None))
                expected[following] = (old + probability, reward, ended)
            states, probabilities, rewards = mdp.successors(state, action)
            got = dict(zip(states.tolist(), zip(probabilities, rewards, mdp.terminal[states], strict=True), strict=True))
            for following, (probability, reward, ended) in expected.items():
                following = following if following in got else mdp.num_states - 1  # the added end
                np.testing.assert_allclose(got[following][:2], (probability, reward))
                assert got[following][2] == ended
    np.testing.assert_array_equal(mdp.start[: env.observation_space.n], env.initial_state_distrib)


def test_an_end_that_depends_on_the_way():
    class Doors:
        """In 0, action 0 ends the episode in state 1, and action 1 leads to state 1 and back."""

        P = {0: {0: [(1.0, 1, 5.0, True)], 1: [(1.0, 1, 1.0, False)]}, 1: {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 1, 2.0, True)]}}
        initial_state_distrib = [1.0, 0.0]
        unwrapped = property(lambda self: self)

    mdp = from_gymnasium(Doors())
    assert mdp.num_states == 3
    assert mdp.terminal.tolist() == [False, False, True]
    assert mdp.successors(0, 0)[0].tolist() == [2]
    assert mdp.successors(0, 1)[0].tolist() == [1]
    assert mdp.expected_rewards.tolist() == [[5, 1], [0, 2], [0, 0]]


def test_an_episode_may_start_where_others_end():
    class Loop:
        """Episodes start in 0 and go on to 1; from 1 they end in 0."""

        P = {0: {0: [(1.0, 1, 0.0, False)]}, 1: {0: [(1.0, 0, 1.0, True)]}}
        initial_state_distrib = [1.0, 0.0]
        unwrapped = property(lambda self: self)

    mdp = from_gymnasium(Loop())
    assert mdp.terminal.tolist() == [False, False, True]
    assert mdp.start.tolist() == [1, 0, 0]


def test_the_discount_of_our_own_environments():
    env = gymnasium.make("lab/DynaMaze-v0")
    assert from_gymnasium(env).discount == 0.95
    assert from_gymnasium(env, 0.5).discount == 0.5


def test_a_sparse_matrix_is_copied():
    rows = sparse.csr_array(three().transitions.reshape(6, 3))
    mdp = three(transitions=rows)
    rows.data[:] = 7.0
    assert mdp.transitions.max() <= 1.0


def test_starting_in_a_terminal_state_is_refused():
    with pytest.raises(ValueError, match="start: expected 0 in terminal states"):
        three(start=[0.5, 0.0, 0.5])


def test_an_environment_without_a_model_is_refused():
    with pytest.raises(
        ValueError, match=r"env: expected an environment with transition probabilities, .*, received a CartPoleEnv"
    ):
        from_gymnasium(gymnasium.make("CartPole-v1"))


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda: gymnasium.make("Taxi-v4", fickle_passenger=True), "received fickle_passenger=True, which is not"),
        (
            lambda: wrappers.TransformReward(gymnasium.make("FrozenLake-v1"), lambda reward: -reward),
            "received TransformReward; env.unwrapped",
        ),
        (lambda: wrappers.StickyAction(gymnasium.make("lab/Cliff-v0"), 0.5), "received StickyAction; env.unwrapped"),
        (
            lambda: wrappers.TimeLimit(wrappers.FlattenObservation(gymnasium.make("CliffWalking-v1")), 5),
            "received FlattenObservation",
        ),
    ],
    ids=["option", "reward", "action", "observation"],
)
def test_what_the_transitions_do_not_say_is_refused(make, received):
    with pytest.raises(ValueError, match=received):
        from_gymnasium(make())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("FrozenLake-v1", {"is_slippery": False}),
        ("FrozenLake-v1", {"success_rate": 0.9, "reward_schedule": (5, -1, 0)}),
        ("CliffWalking-v1", {"is_slippery": True}),
        ("Taxi-v4", {"is_rainy": True, "rainy_probability": 0.5}),
    ],
)
def test_options_that_are_in_the_transitions_change_the_model(name, options):
    plain, changed = from_gymnasium(gymnasium.make(name)), from_gymnasium(gymnasium.make(name, **options))
    same = plain.transitions.shape == changed.transitions.shape and np.array_equal(plain.transitions, changed.transitions)
    assert not same or not np.array_equal(plain.rewards, changed.rewards)
    limited = wrappers.RecordEpisodeStatistics(gymnasium.make(name, max_episode_steps=7, **options))
    np.testing.assert_array_equal(from_gymnasium(limited).transitions, changed.transitions)


def test_random_mdps():
    mdp = random_mdp(50, 3, 5, discount=0.9, seed=1, terminal=2)
    assert mdp.transitions.shape == (150, 50)
    counts = np.diff(mdp.transitions.indptr)
    assert (counts[: 48 * 3] == 5).all()
    assert mdp.terminal[-2:].all()
    rows = np.asarray(mdp.transitions.sum(axis=1)).ravel()
    np.testing.assert_allclose(rows[: 48 * 3], 1)
    np.testing.assert_array_equal(rows[48 * 3 :], 0)
    again = random_mdp(50, 3, 5, discount=0.9, seed=1, terminal=2)
    np.testing.assert_array_equal(mdp.rewards, again.rewards)
    assert (mdp.rewards != random_mdp(50, 3, 5, discount=0.9, seed=2, terminal=2).rewards).any()
