"""A tabular MDP as a functional environment in `keras.ops`."""

from typing import Any

import keras
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Discrete
from keras import ops

from envs.tabular import TabularMDP


class FunctionalTabular(FuncEnv):
    """Samples a `TabularMDP` in B environments at once, inside a compiled program.

    States are `[B]` int32. Rewards that depend on the next state take memory for S A S numbers.
    Noise on rewards is left out: each reward is its expectation.

    Args:
        mdp: a `TabularMDP` in which every state that is not terminal has all actions.
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    def __init__(self, mdp: TabularMDP, num_envs: int = 1) -> None:
        super().__init__()
        if not mdp.available[~mdp.terminal].all():
            raise ValueError("mdp: expected all actions to be available in every state, received one where some are not.")
        self.mdp, self.num_envs = mdp, num_envs
        self.observation_space, self.action_space = Discrete(mdp.num_states), Discrete(mdp.num_actions)
        pairs = [mdp.successors(*pair) for pair in np.ndindex(mdp.num_states, mdp.num_actions)]
        width = max(1, *(len(states) for states, _, _ in pairs))
        bounds, following = np.full((len(pairs), width), 2.0), np.zeros((len(pairs), width))
        for row, (states, probabilities, _) in enumerate(pairs):
            if not len(states):  # of a terminal state
                states, probabilities = np.array([row // mdp.num_actions]), np.ones(1)
            bounds[row, : len(states) - 1] = np.cumsum(probabilities)[:-1]
            following[row, : len(states)] = states
        self._bounds, self._following = bounds.astype("float32"), following.astype("int32")  # [S A, K]
        self._rewards = mdp.rewards.astype("float32").reshape(len(pairs), -1)  # [S A, 1 or S]
        self._starts = np.cumsum(mdp.start)[:-1].astype("float32")

    def initial(self, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Starting states `[B]`."""
        draws = keras.random.uniform((self.num_envs, 1), seed=rng)
        return ops.sum(ops.cast(draws >= self._starts, "int32"), axis=1)

    def transition(self, state: Any, action: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Next states `[B]`."""
        row = state * self.mdp.num_actions + ops.cast(action, "int32")
        draws = keras.random.uniform((self.num_envs, 1), seed=rng)
        place = ops.sum(ops.cast(draws >= ops.take(self._bounds, row, axis=0), "int32"), axis=1)
        return ops.take(self._following.reshape(-1), row * self._following.shape[1] + place)

    def observation(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """The state itself, `[B]`."""
        return state

    def reward(self, state: Any, action: Any, next_state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """The expected reward of each transition, `[B]`."""
        row = state * self.mdp.num_actions + ops.cast(action, "int32")
        columns = self._rewards.shape[1]
        return ops.take(self._rewards.reshape(-1), row * columns + (next_state if columns > 1 else 0))

    def terminal(self, state: Any, rng: keras.random.SeedGenerator, params: Any = None) -> Any:
        """Whether each state is terminal, `[B]` bool."""
        return ops.take(self.mdp.terminal, state)
