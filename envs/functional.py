"""Functional environments behind Gymnasium's `Env` and `VectorEnv`.

These step eagerly, one small tensor operation after another: for rendering, wrappers and tests. Training on a functional
environment at speed is `lab.agents.rollout.DeviceRollout`, which compiles it together with the agent.
"""

import gymnasium
import keras
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from keras import ops


class FunctionalEnv(gymnasium.Env):
    """A functional environment of batch size 1 as a `gymnasium.Env`."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(self, env, *, render_mode=None):
        self._env, self.render_mode, self._renderer = env, render_mode, None
        self.observation_space, self.action_space = env.observation_space, env.action_space

    def reset(self, *, seed=None, options=None):
        """Starts an episode; `seed` makes everything after it reproducible."""
        super().reset(seed=seed)
        self._rng = keras.random.SeedGenerator(int(self.np_random.integers(2**31)))
        self._state = self._env.initial(self._rng)
        return self._observe()[0], {}

    def step(self, action):
        """One step of the single environment."""
        state, action = self._state, np.asarray(action)[None]
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
    """A functional environment of batch size B as a `VectorEnv` that resets in the step that ends an episode."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50, "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, env, *, max_episode_steps, render_mode=None):
        self._env, self.max_episode_steps, self.render_mode = env, max_episode_steps, render_mode
        self.num_envs = env.num_envs
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
        state, actions = self._state, np.asarray(actions)
        following = self._env.transition(state, actions, self._rng)
        reward = ops.convert_to_numpy(self._env.reward(state, actions, following, self._rng))
        terminated = ops.convert_to_numpy(self._env.terminal(following, self._rng))
        self._length += 1
        truncated = self._length >= self.max_episode_steps
        ended = terminated | truncated
        self._length[ended] = 0
        final = self._observe(following)
        self._state = self._replace(ended, self._env.initial(self._rng), following) if ended.any() else following
        info = {}
        if ended.any():
            info = {"final_obs": final, "_final_obs": ended}
        return self._observe(self._state), reward.astype(np.float64), terminated, truncated, info

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
