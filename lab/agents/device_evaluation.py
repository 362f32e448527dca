"""Greedy episodes in a functional environment, in one compiled program of fixed length."""

from typing import Any

import gymnasium
import keras
import numpy as np
from keras import ops

from lab import engine
from lab.agents.algorithm import Algorithm


class DeviceEvaluation:
    """Undiscounted returns of greedy episodes, the same ones at each call with the same seed.

    One program plays an episode in each environment. It always makes `max_episode_steps` steps:
    steps after the end of an episode count nothing. So seeds that run together can share it (see
    `lab.engine.together`).

    Args:
        agent: an `Algorithm` without a memory, for a Discrete or Box action space.
        env: as in `lab.agents.DeviceRollout`; B environments.
        max_episode_steps: the time limit.
    """

    def __init__(self, agent: Algorithm, env: Any, *, max_episode_steps: int) -> None:
        self.env = env
        self.length = max_episode_steps
        self.rng = keras.random.SeedGenerator(0)
        self._policy = agent.policy_model()
        state = env.initial(self.rng)
        self._state = keras.tree.map_structure(
            lambda x: keras.Variable(x, dtype=keras.backend.standardize_dtype(x.dtype), trainable=False, name="env_state"),
            state,
        )
        self.num_envs = count = int(keras.tree.flatten(state)[0].shape[0])
        self._return = keras.Variable(np.zeros(count), dtype="float32", trainable=False, name="env_episode_return")
        self._running = keras.Variable(np.ones(count), dtype="float32", trainable=False, name="env_running")
        self.variables = [*keras.tree.flatten(self._state), self._return, self._running, self.rng.state]
        self._program = engine.compile(self._play, [*agent.variables, *self._policy.variables, *self.variables], shared=True)
        self._program.expect(engine.read(self.rng.state))

    def __call__(self, *, episodes: int, seed: int) -> np.ndarray:
        """The returns `[episodes]` from starting states of this seed.

        Args:
            episodes: a multiple of the number of environments.
        """
        if episodes % self.num_envs:
            raise ValueError(f"episodes: expected a multiple of the {self.num_envs} environments, received {episodes}.")
        start, found = engine.read(keras.random.SeedGenerator(seed).state), []
        for _ in range(episodes // self.num_envs):
            found.append(np.asarray(self._program(start), np.float64))
            start = engine.read(self.rng.state)
        return np.concatenate(found)

    def _play(self, start):
        self.rng.state.assign(start)
        keras.tree.map_structure(lambda variable, new: variable.assign(new), self._state, self.env.initial(self.rng))
        self._return.assign(ops.zeros_like(self._return.value))
        self._running.assign(ops.ones_like(self._running.value))
        engine.scan(self._step, self.variables, length=self.length)
        return ops.copy(self._return.value)

    def _step(self, _):
        env, rng = self.env, self.rng
        state = keras.tree.map_structure(ops.copy, self._state)
        action = self._greedy(env.observation(state, rng))
        following = env.transition(state, action, rng)
        reward = env.reward(state, action, following, rng)
        terminated = env.terminal(following, rng)
        self._return.assign(self._return.value + self._running.value * reward)
        self._running.assign(ops.where(terminated, 0.0, self._running.value))
        keras.tree.map_structure(lambda variable, new: variable.assign(new), self._state, following)

    def _greedy(self, observation):
        output, space = self._policy(observation, training=False), self.env.action_space
        if isinstance(space, gymnasium.spaces.Discrete):
            return ops.argmax(output, axis=-1) + int(space.start)
        return ops.clip(output, space.low, space.high)
