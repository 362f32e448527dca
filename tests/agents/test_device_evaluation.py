"""Greedy episodes in one program: which steps count, and which episodes are drawn."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete
from keras import ops

from lab.agents import DeviceEvaluation


class Countdown(FuncEnv):
    """An episode of 1 to 5 steps, which its first state decides. Each step gives its action."""

    observation_space = Box(0, 6, (1,), np.float32)

    def __init__(self, count, actions):
        super().__init__()
        self.count, self.action_space = count, actions

    def initial(self, rng, params=None):
        return ops.cast(keras.random.randint((self.count,), 1, 6, seed=rng), "float32")

    def transition(self, state, action, rng, params=None):
        return state - 1

    def observation(self, state, rng, params=None):
        return ops.reshape(state, (-1, 1))

    def reward(self, state, action, next_state, rng, params=None):
        return ops.cast(ops.reshape(action, (-1,)), "float32")

    def terminal(self, state, rng, params=None):
        return state <= 0


def evaluation(actions, outputs, count=4, limit=10):
    """One whose policy gives these outputs, whatever it sees."""
    observed = keras.Input((1,))
    outputs = np.asarray(outputs, "float32")
    model = keras.Model(observed, keras.layers.Dense(len(outputs), kernel_initializer="zeros")(observed))
    model.weights[1].assign(outputs)
    agent = SimpleNamespace(variables=model.variables, policy_model=lambda: model)
    return DeviceEvaluation(agent, Countdown(count, actions), max_episode_steps=limit)


def lengths(count, seed):
    """The lengths of the first episodes that this seed draws, in batches of `count`."""
    rng = keras.random.SeedGenerator(seed)
    return [float(each) for _ in range(2) for each in Countdown(count, Discrete(2)).initial(rng)]


def test_steps_after_the_end_of_an_episode_do_not_count():
    found = evaluation(Discrete(2), [0.0, 1.0])(episodes=4, seed=3)
    np.testing.assert_array_equal(found, lengths(4, 3)[:4])  # the last step of an episode counts
    assert len(set(found)) > 1


def test_the_time_limit_cuts_episodes():
    found = evaluation(Discrete(2), [0.0, 1.0], limit=2)(episodes=4, seed=3)
    np.testing.assert_array_equal(found, np.minimum(lengths(4, 3)[:4], 2))


def test_more_episodes_go_on_with_the_random_numbers():
    play = evaluation(Discrete(2), [0.0, 1.0])
    found = play(episodes=8, seed=3)
    np.testing.assert_array_equal(found, lengths(4, 3))
    np.testing.assert_array_equal(play(episodes=8, seed=3), found)  # the same ones again
    assert list(play(episodes=8, seed=4)) != list(found)


def test_actions_begin_where_the_space_does_and_those_of_a_box_are_clipped():
    ends = np.array(lengths(4, 3)[:4])
    found = evaluation(Discrete(3, start=5), [0.0, 1.0, 0.5])(episodes=4, seed=3)
    np.testing.assert_array_equal(found, 6 * ends)
    found = evaluation(Box(-2.0, 0.5, (1,), np.float32), [7.0])(episodes=4, seed=3)
    np.testing.assert_array_equal(found, 0.5 * ends)


def test_episodes_are_a_multiple_of_the_environments():
    with pytest.raises(ValueError, match="episodes: expected a multiple of the 4 environments, received 6"):
        evaluation(Discrete(2), [0.0, 1.0])(episodes=6, seed=0)
