"""Functional environments: by their id, what they share, and behind Gymnasium's `Env` and `VectorEnv`.

The latter step eagerly, one small tensor operation after another: for rendering, wrappers and tests. Training on a functional
environment at speed is `lab.agents.rollout.DeviceRollout`, which compiles it together with the agent.
"""

from typing import Any

import gymnasium
import keras
import numpy as np
from gymnasium.envs.registration import load_env_creator
from gymnasium.experimental.functional import FuncEnv
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from keras import ops

from envs import FUNCTIONAL


def functional(name, num_envs):
    """The problem `name`, with or without "lab/", for the device: its `FuncEnv` of `num_envs` environments, its time limit."""
    problem = name.removeprefix("lab/")
    if problem not in FUNCTIONAL:
        raise ValueError(f"environment: expected one of {', '.join(FUNCTIONAL)} on the device, received {name!r}.")
    entry_point, steps, _, arguments = FUNCTIONAL[problem]
    return load_env_creator(entry_point)(num_envs=num_envs, **arguments), steps


def wrap_angle(angle):
    """The same angle (rad) in [-pi, pi]."""
    return angle - 2 * np.pi * ops.round(angle / (2 * np.pi))


class ClassicControl(FuncEnv):
    """What the twins of Gymnasium's classic control problems share: the original's spaces, and pictures by its renderer.

    A twin's states `[B, S]` are rows of what the original keeps in its attribute `state`.

    Args:
        num_envs: B, the environments simulated side by side along the leading axis of every array.
    """

    original: Any  # Gymnasium's class

    def __init__(self, num_envs=1):
        super().__init__()
        self.num_envs = num_envs
        original = self.original()
        self.observation_space, self.action_space = original.observation_space, original.action_space
        self.render_fps = original.metadata["render_fps"]

    def render_init(self, params=None, **kwargs):
        """The renderer: Gymnasium's own environment."""
        renderer = self.original(render_mode="rgb_array")
        renderer.reset(seed=0)
        return renderer

    def render_image(self, state, render_state, params=None):
        """A picture `[height, width, 3]` uint8 of the first environment."""
        render_state.state = np.asarray(state[0], np.float64)
        return render_state, render_state.render()

    def render_close(self, render_state, params=None):
        """Closes the renderer."""
        render_state.close()


class FunctionalEnv(gymnasium.Env):
    """A functional environment of batch size 1 as a `gymnasium.Env`.

    Args:
        env: a `FuncEnv` in `keras.ops` with `num_envs` and `render_fps`, such as a `ClassicControl`.
        render_mode: None or "rgb_array".
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(self, env, *, render_mode=None):
        self._env = env
        self.render_mode = render_mode
        self._renderer = None
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.metadata = self.metadata | {"render_fps": env.render_fps}

    def reset(self, *, seed=None, options=None):
        """Starts an episode; `seed` makes everything after it reproducible."""
        super().reset(seed=seed)
        self._rng = keras.random.SeedGenerator(int(self.np_random.integers(2**31)))
        self._state = self._env.initial(self._rng)
        return self._observe()[0], {}

    def step(self, action):
        """One step of the single environment."""
        state, action = self._state, np.asarray(action, self.action_space.dtype)[None]
        self._state = self._env.transition(state, action, self._rng)
        reward = self._env.reward(state, action, self._state, self._rng)
        terminated = self._env.terminal(self._state, self._rng)
        return self._observe()[0], float(reward[0]), bool(terminated[0]), False, {}

    def render(self):
        """A picture of the present state."""
        if self._renderer is None:
            self._renderer = self._env.render_init()
        self._renderer, image = self._env.render_image(self._state, self._renderer)
        return image

    def close(self):
        """Closes the renderer, if there is one."""
        if self._renderer is not None:
            self._env.render_close(self._renderer)
            self._renderer = None

    def _observe(self):
        return ops.convert_to_numpy(self._env.observation(self._state, self._rng))


class FunctionalVectorEnv(VectorEnv):
    """A functional environment of batch size B as a `VectorEnv` that resets in the step that ends an episode.

    Args:
        env: as in `FunctionalEnv`.
        max_episode_steps: the time limit.
        render_mode: None or "rgb_array".
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50, "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, env, *, max_episode_steps, render_mode=None):
        self._env = env
        self.max_episode_steps = max_episode_steps
        self.render_mode = render_mode
        self.num_envs = env.num_envs
        self.metadata = self.metadata | {"render_fps": env.render_fps}
        self.single_observation_space, self.single_action_space = env.observation_space, env.action_space
        self.observation_space = batch_space(env.observation_space, self.num_envs)
        self.action_space = batch_space(env.action_space, self.num_envs)
        self._renderer = None

    def reset(self, *, seed=None, options=None):
        """Starts all episodes; of a list of seeds all take part."""
        if seed is not None:
            seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        super().reset(seed=seed)
        self._rng = keras.random.SeedGenerator(int(self.np_random.integers(2**31)))
        self._state = self._env.initial(self._rng)
        self._length = np.zeros(self.num_envs, int)
        return self._observe(self._state), {}

    def step(self, actions):
        """One step of every environment."""
        state, actions = self._state, np.asarray(actions, self.action_space.dtype)
        following = self._env.transition(state, actions, self._rng)
        reward = ops.convert_to_numpy(self._env.reward(state, actions, following, self._rng))
        terminated = ops.convert_to_numpy(self._env.terminal(following, self._rng))
        self._length += 1
        truncated = self._length >= self.max_episode_steps
        ended = terminated | truncated
        self._length[ended] = 0
        observation, info = self._observe(following), {}
        if ended.any():
            info = {"final_obs": observation, "_final_obs": ended}
            following = self._replace(ended, self._env.initial(self._rng), following)
            observation = self._observe(following)
        self._state = following
        return observation, reward.astype(np.float64), terminated, truncated, info

    def render(self):
        """A picture of the first environment."""
        if self._renderer is None:
            self._renderer = self._env.render_init()
        self._renderer, image = self._env.render_image(self._state, self._renderer)
        return (image,)

    def close_extras(self, **kwargs):
        """Closes the renderer, if there is one."""
        if self._renderer is not None:
            self._env.render_close(self._renderer)
            self._renderer = None

    def _observe(self, state):
        return ops.convert_to_numpy(self._env.observation(state, self._rng))

    @staticmethod
    def _replace(mask, new, old):
        def choose(new, old):
            return ops.where(np.reshape(mask, (-1, *[1] * (len(new.shape) - 1))), new, old)

        return keras.tree.map_structure(choose, new, old)


def make(problem, render_mode=None):
    """The problem of `FUNCTIONAL` as a `gymnasium.Env`, for `gymnasium.make`."""
    return FunctionalEnv(functional(problem, 1)[0], render_mode=render_mode)


make.metadata = FunctionalEnv.metadata  # type: ignore[attr-defined]  # read by Gymnasium, which then knows "human" as well


def make_vec(problem, num_envs, max_episode_steps, render_mode=None):
    """The problem of `FUNCTIONAL` as a `gymnasium.vector.VectorEnv`, for `gymnasium.make_vec`."""
    env, _ = functional(problem, num_envs)
    return FunctionalVectorEnv(env, max_episode_steps=max_episode_steps, render_mode=render_mode)
