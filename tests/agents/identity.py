"""Environments for tests of agents, in which the best action is what the observation shows."""

import gymnasium
import keras
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from keras import ops

ACTIONS = 3


class Identity(gymnasium.Env):
    """The observation is one-hot. The reward is 1 for the index of its 1 as the action, else 0.

    An episode has `length` steps. Then it is "terminated" or "truncated", as `end` says.
    """

    action_space = Discrete(ACTIONS)

    def __init__(self, length=5, end="terminated", shape=(ACTIONS,)):
        self.observation_space = Box(0, 1, shape, np.float32)
        self.length, self.end = length, end

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._next(), {}

    def step(self, action):
        reward = self._reward(action)
        self._t += 1
        ended = self._t == self.length
        return self._next(), reward, ended and self.end == "terminated", ended and self.end == "truncated", {}

    def _reward(self, action):
        return float(action == self._answer)

    def _next(self):
        self._answer = int(self.np_random.integers(ACTIONS))
        observation = np.zeros(self.observation_space.shape, np.float32)
        observation[self._answer] = 1
        return observation


class TwofoldIdentity(Identity):
    """`Identity` with two actions: the index, and whether it is 0. Each right one gives 0.5."""

    action_space = MultiDiscrete([ACTIONS, 2])

    def _reward(self, action):
        return 0.5 * (action[0] == self._answer) + 0.5 * (action[1] == (self._answer == 0))


class DeviceIdentity(FuncEnv):
    """`Identity` as a functional environment. The state has the answer and the time, `[B]` each."""

    observation_space = Box(0, 1, (ACTIONS,), np.float32)
    action_space = Discrete(ACTIONS)

    def __init__(self, num_envs, length=5):
        super().__init__()
        self.num_envs, self.length = num_envs, length

    def _answers(self, rng):
        return keras.random.randint((self.num_envs,), 0, ACTIONS, seed=rng)

    def initial(self, rng, params=None):
        return {"answer": self._answers(rng), "time": ops.zeros((self.num_envs,), "int32")}

    def transition(self, state, action, rng, params=None):
        return {"answer": self._answers(rng), "time": state["time"] + 1}

    def observation(self, state, rng, params=None):
        return ops.one_hot(state["answer"], ACTIONS)

    def reward(self, state, action, next_state, rng, params=None):
        return ops.cast(ops.equal(action, state["answer"]), "float32")

    def terminal(self, state, rng, params=None):
        return state["time"] >= self.length


def vectorize(make, count=1):
    """A vector environment in SAME_STEP mode."""
    return SyncVectorEnv([make] * count, autoreset_mode=AutoresetMode.SAME_STEP)


TORQUE = Box(-2.0, 4.0, (1,), np.float32)  # its middle is not 0, so that mistakes of units show


class ContinuousIdentity(gymnasium.Env):
    """The observation is a number in [-1, 1], the reward -(action - number)^2.

    An episode terminates after 5 steps.
    """

    observation_space, action_space = Box(-1, 1, (1,), np.float32), TORQUE

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._next(), {}

    def step(self, action):
        reward = -float((action[0] - self._answer) ** 2)
        self._t += 1
        return self._next(), reward, self._t == 5, False, {}

    def _next(self):
        self._answer = self.np_random.uniform(-1, 1)
        return np.array([self._answer], np.float32)


class DeviceContinuousIdentity(FuncEnv):
    """`ContinuousIdentity` as a functional environment."""

    observation_space, action_space = Box(-1, 1, (1,), np.float32), TORQUE

    def __init__(self, num_envs):
        super().__init__()
        self.num_envs = num_envs

    def _answers(self, rng):
        return keras.random.uniform((self.num_envs, 1), -1.0, 1.0, seed=rng)

    def initial(self, rng, params=None):
        return {"answer": self._answers(rng), "time": ops.zeros((self.num_envs,), "int32")}

    def transition(self, state, action, rng, params=None):
        return {"answer": self._answers(rng), "time": state["time"] + 1}

    def observation(self, state, rng, params=None):
        return state["answer"]

    def reward(self, state, action, next_state, rng, params=None):
        return -ops.square(action - state["answer"])[:, 0]

    def terminal(self, state, rng, params=None):
        return state["time"] >= 5


class DelayedIdentity(Identity):
    """`Identity` in which the right action is the index that the step before showed.

    A policy without a memory gets a third of the rewards.
    """

    def reset(self, *, seed=None, options=None):
        self._shown = 0  # the right action of an episode's first step
        return super().reset(seed=seed)

    def _reward(self, action):
        right, self._shown = action == self._shown, self._answer
        return float(right)
