"""Functional environments: found by their id, and used as Gymnasium environments.

`FunctionalEnv` and `FunctionalVectorEnv` run a functional environment eagerly. They are meant for
rendering, wrappers and tests. For fast training use `lab.agents.rollout.DeviceRollout`: it compiles
the environment together with the agent.
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


def functional(name: str, num_envs: int) -> tuple[Any, int]:
    """A functional environment by its id, and its time limit in steps.

    Args:
        name: the id, with or without "lab/".
        num_envs: B, the number of environments.

    Returns:
        (a `FuncEnv` of B environments, the time limit).
    """
    problem = name.removeprefix("lab/")
    if problem not in FUNCTIONAL:
        raise ValueError(f"environment: expected one of {', '.join(FUNCTIONAL)} on the device, received {name!r}.")
    entry_point, steps, _, arguments = FUNCTIONAL[problem]
    return load_env_creator(entry_point)(num_envs=num_envs, **arguments), steps


def wrap_angle(angle: Any) -> Any:
    """The equivalent angle in [-pi, pi] (rad)."""
    return angle - 2 * np.pi * ops.round(angle / (2 * np.pi))


class ClassicControl(FuncEnv):
    """Base of the functional versions of Gymnasium's classic control environments.

    It has the spaces of Gymnasium's environment, and draws pictures with Gymnasium's renderer.
    A row of the states `[B, S]` is what Gymnasium's environment has in its attribute `state`.

    Args:
        num_envs: B, the number of environments; it is the leading axis of every array.
    """

    original: Any  # the class of Gymnasium's environment

    def __init__(self, num_envs: int = 1) -> None:
        super().__init__()
        self.num_envs = num_envs
        original = self.original()
        self.observation_space, self.action_space = original.observation_space, original.action_space
        self.render_fps = original.metadata["render_fps"]

    def render_init(self, params: Any = None, **kwargs: Any) -> Any:
        """The renderer: an environment of Gymnasium's class."""
        renderer = self.original(render_mode="rgb_array")
        renderer.reset(seed=0)
        return renderer

    def render_image(self, state: Any, render_state: Any, params: Any = None) -> tuple[Any, np.ndarray]:
        """The renderer, and a picture of the first environment `[height, width, 3]` uint8."""
        render_state.state = np.asarray(state[0], np.float64)
        return render_state, render_state.render()

    def render_close(self, render_state: Any, params: Any = None) -> None:
        """Closes the renderer."""
        render_state.close()


class FunctionalEnv(gymnasium.Env):
    """A functional environment of batch size 1 as a `gymnasium.Env`.

    Args:
        env: a `FuncEnv` with `num_envs` and `render_fps`, such as a `ClassicControl`.
        render_mode: None or "rgb_array".
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(self, env: Any, *, render_mode: str | None = None) -> None:
        self._env = env
        self.render_mode = render_mode
        self._renderer = None
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.metadata = self.metadata | {"render_fps": env.render_fps}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode. With a `seed`, all that follows is reproducible."""
        super().reset(seed=seed)
        self._rng = keras.random.SeedGenerator(int(self.np_random.integers(2**31)))
        self._state = self._env.initial(self._rng)
        return self._observe()[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One step of the environment."""
        state, action = self._state, np.asarray(action, self.action_space.dtype)[None]
        self._state = self._env.transition(state, action, self._rng)
        reward = self._env.reward(state, action, self._state, self._rng)
        terminated = self._env.terminal(self._state, self._rng)
        return self._observe()[0], float(reward[0]), bool(terminated[0]), False, {}

    def render(self) -> Any:
        """A picture of the current state `[height, width, 3]` uint8."""
        if self._renderer is None:
            self._renderer = self._env.render_init()
        self._renderer, image = self._env.render_image(self._state, self._renderer)
        return image

    def close(self) -> None:
        """Closes the renderer, if there is one."""
        if self._renderer is not None:
            self._env.render_close(self._renderer)
            self._renderer = None

    def _observe(self):
        return ops.convert_to_numpy(self._env.observation(self._state, self._rng))


class FunctionalVectorEnv(VectorEnv):
    """A functional environment of batch size B as a `gymnasium.vector.VectorEnv`.

    The step that ends an episode also resets the environment (`AutoresetMode.SAME_STEP`).

    Args:
        env: as in `FunctionalEnv`.
        max_episode_steps: the time limit of an episode, in steps.
        render_mode: None or "rgb_array".
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50, "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, env: Any, *, max_episode_steps: int, render_mode: str | None = None) -> None:
        self._env = self.functional = env  # an agent can step it in its own program
        self.max_episode_steps = max_episode_steps
        self.render_mode = render_mode
        self.num_envs = env.num_envs
        self.metadata = self.metadata | {"render_fps": getattr(env, "render_fps", 30)}
        self.single_observation_space, self.single_action_space = env.observation_space, env.action_space
        self.observation_space = batch_space(env.observation_space, self.num_envs)
        self.action_space = batch_space(env.action_space, self.num_envs)
        self._renderer = None

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts all episodes. The `seed` is an integer or a list, of which every number counts."""
        if seed is not None:
            seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        super().reset(seed=seed)
        self._rng = keras.random.SeedGenerator(int(self.np_random.integers(2**31)))
        self._state = self._env.initial(self._rng)
        self._length = np.zeros(self.num_envs, int)
        return self._observe(self._state), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
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

    def render(self) -> Any:
        """A tuple of one picture, of the first environment."""
        if self._renderer is None:
            self._renderer = self._env.render_init()
        self._renderer, image = self._env.render_image(self._state, self._renderer)
        return (image,)

    def close_extras(self, **kwargs: Any) -> None:
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


def make(problem: str, render_mode: str | None = None) -> FunctionalEnv:
    """An environment of `FUNCTIONAL` as a `gymnasium.Env`, for `gymnasium.make`."""
    return FunctionalEnv(functional(problem, 1)[0], render_mode=render_mode)


# Gymnasium reads it, and then accepts the render mode "human" too.
make.metadata = FunctionalEnv.metadata  # type: ignore[attr-defined]


def make_vec(problem: str, num_envs: int, max_episode_steps: int, render_mode: str | None = None) -> FunctionalVectorEnv:
    """An environment of `FUNCTIONAL` as a `VectorEnv`, for `gymnasium.make_vec`."""
    env, _ = functional(problem, num_envs)
    return FunctionalVectorEnv(env, max_episode_steps=max_episode_steps, render_mode=render_mode)
