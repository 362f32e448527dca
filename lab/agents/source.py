"""Where an agent's environments come from: an id, a class, a function, environments that exist.

A `Source` makes the environments in which an agent learns, and fresh ones of the same kind to
evaluate it. It turns observations as the environment gives them into the agent's.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from gymnasium.wrappers import FlattenObservation

from lab import validation
from lab.agents import environment_checks, environments
from lab.agents.copies import Copies, copies, name_of
from lab.agents.device import Masked, masks_of
from lab.agents.parts import MASK, Flattened, MaskInObservation, OnlyPart, action_counts, mask_rows, mask_size
from lab.agents.spaces import one_line

NO_MASK = "predict: the environment gives masks of actions, but no action_mask was passed; all actions are taken as allowed."
VECTORIZATIONS = ("sync", "async", "device")
PURE = (MaskInObservation, Flattened, OnlyPart, FlattenObservation)  # wrappers that `Source.convert` does by itself


class Source:
    """Environments for an agent.

    Args:
        environment: an id, a class or function that makes a `gymnasium.Env`, an environment, or a
            `gymnasium.vector.VectorEnv`. With "device", an id or a function, num_envs -> a vector
            environment that has the attribute `functional`, such as `envs`'s FunctionalVectorEnv.
        num_envs: environments side by side, in which the agent learns.
        vectorization: "sync" steps them one after the other, "async" in processes of their own,
            "device" in the agent's compiled program.
        wrappers: functions, environment -> environment, the innermost first.
        options: keyword arguments of the environment.
        action_mask: whether masks of actions are obeyed, where the environment gives them.

    Attributes:
        training: the vector environment in which the agent learns.
        observations, actions: its spaces, of a single environment.
        raw: the observation space of the environment itself.

    Raises:
        ValueError: there is no such environment, or an agent cannot learn in it.
    """

    def __init__(
        self,
        environment: Any,
        *,
        num_envs: int,
        vectorization: str = "sync",
        wrappers: Iterable[Any] = (),
        options: Mapping[str, Any] | None = None,
        action_mask: bool = True,
    ) -> None:
        validation.require_name("vectorization", vectorization, VECTORIZATIONS)
        self._warned = False  # of a mask that was forgotten
        self.environment, self.vectorization, self.num_envs = environment, vectorization, num_envs
        self.options, self.wrappers, self.action_mask = dict(options or {}), tuple(wrappers), action_mask
        if vectorization == "device":
            self._open_device()
        elif isinstance(environment, VectorEnv):
            self._take_vector(environment)
        else:
            self._open(environment)
        self.observations = self.training.single_observation_space
        self.actions = self.training.single_action_space

    @property
    def name(self) -> str:
        """The id, or the name of the class or function."""
        return name_of(self.environment)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `for_env` that say how the environments are made, for a file."""
        return {"num_envs": self.num_envs, "vectorization": self.vectorization, "action_mask": self.action_mask}

    def fresh(self, count: int) -> Any:
        """A new vector environment of `count` environments, in which the agent does not learn."""
        return self._fresh(count)

    def single(self, render_mode: str | None = None) -> gymnasium.Env:
        """A new environment, for a picture of an episode."""
        if self.vectorization == "device" and isinstance(self.environment, str):
            return environments.make(self.environment, render_mode=render_mode)
        if self._make is None:
            raise ValueError(f"environment: expected one that can be made again, received the vector environment {self.name}.")
        return self._make(render_mode=render_mode)

    def convert(self, observation: Any, mask: Any = None) -> tuple[np.ndarray, bool]:
        """(observations `[B, ...]` as the agent takes them, whether it was a single one).

        Args:
            observation: one, or a batch, as the environment gives it or as the agent takes it.
            mask: `info["action_mask"]`, one or a batch. Without it all actions are allowed.
        """
        size, shape = mask_size(self.observations), self._seen.shape
        if size and mask is None and not self._warned:
            self._warned = True
            warnings.warn(NO_MASK, stacklevel=3)
        if not isinstance(observation, dict | tuple):
            observation = np.asarray(observation)
            if observation.shape == shape and self._plain:
                return self._with_mask(observation[None], mask, size), True
            if observation.shape[1:] == shape and self._plain:
                return self._with_mask(observation, mask, size), False
        return self._converted(observation, mask, size)

    def _open(self, environment):
        """Environments that are made one by one."""
        make = copies(environment) if isinstance(environment, gymnasium.Env) else environment

        def one(**more):
            return environments.make(make, options=self.options, wrappers=self.wrappers, **({"action_mask": masked} | more))

        masked: bool | None = self.action_mask
        if isinstance(environment, str):
            environment_checks.require_environment(environment, check=environment_checks.check, make=lambda name: one())
        probe = one()
        try:
            if not isinstance(environment, str):
                environment_checks.check(probe)
            masked = None if isinstance(probe, MaskInObservation) else False  # no further environment needs to find out
            self.raw = _raw(probe)
        finally:
            if make is environment:
                probe.close()
        self._make: Callable | None = one
        kind: Any = AsyncVectorEnv if self.vectorization == "async" else SyncVectorEnv
        plain = environments.is_functional(environment) and not self.options and not self.wrappers
        if plain and kind is SyncVectorEnv:  # the laboratory's own step together
            self.training = environments.make_vector(environment, self.num_envs)
            self._fresh = lambda count: environments.make_vector(environment, count)
        else:
            if isinstance(make, Copies) and kind is SyncVectorEnv:
                make.first()
            self.training = kind([one] * self.num_envs, autoreset_mode=AutoresetMode.SAME_STEP, copy=kind is AsyncVectorEnv)
            self._fresh = lambda count: SyncVectorEnv([one] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)
        self._learn_shapes()

    def _take_vector(self, envs):
        """A vector environment of the user's."""
        if self.wrappers or self.options:
            raise ValueError("wrappers: expected none with a vector environment, which is already made, received some.")
        if not isinstance(envs.single_observation_space, spaces.Box):
            received = one_line(envs.single_observation_space)
            raise ValueError(
                f"environment: expected observations that are one Box of a vector environment, received {received}; "
                "give a function that makes a single environment, and num_envs."
            )
        _, info = envs.reset(seed=0)
        if MASK in info and self.action_mask:
            raise ValueError(
                f"environment: expected a function that makes a single environment, because of its info[{MASK!r}], "
                "received a vector environment; action_mask=False leaves the masks out."
            )
        makers = getattr(envs, "env_fns", None)

        def fresh(count):
            if makers:
                return SyncVectorEnv([makers[0]] * count, autoreset_mode=AutoresetMode.SAME_STEP)
            if envs.spec is None:
                raise ValueError(
                    f"environment: expected one that can be made again, received the vector environment {self.name}."
                )
            return gymnasium.make_vec(envs.spec, count, vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})

        self.training, self.num_envs, self._fresh = envs, envs.num_envs, fresh
        self._make = (lambda render_mode=None: makers[0]()) if makers else None
        self.raw = envs.single_observation_space
        self._learn_shapes()

    def _open_device(self):
        if self.wrappers or self.options:
            raise ValueError('wrappers: expected none with vectorization="device", received some; they run on the host.')

        def vector(count):
            if isinstance(self.environment, str):
                found = environments.make_vector(self.environment, count)
            else:
                found = self.environment(num_envs=count) if callable(self.environment) else self.environment
            if not hasattr(found, "functional"):
                expected = 'an environment that runs on the device, such as "lab/CartPole-v1"'
                raise ValueError(f'environment: expected {expected}, with vectorization="device", received {self.name}.')
            if self.action_mask and masks_of(found.functional) is not None:
                return type(found)(Masked(found.functional), max_episode_steps=found.max_episode_steps)
            return found

        self._fresh, self._make = vector, None
        self.training = vector(self.num_envs)
        functional = self.training.functional
        self.raw = functional.inner.observation_space if isinstance(functional, Masked) else functional.observation_space
        self._learn_shapes()

    def _learn_shapes(self):
        """What `convert` needs: the agent's Box without a mask, and whether it is the raw space."""
        size = mask_size(self.training.single_observation_space)
        whole: Any = self.training.single_observation_space
        self._sizes = action_counts(self.training.single_action_space) if size else []
        self._seen = spaces.Box(whole.low[:-size], whole.high[:-size], dtype=whole.dtype.type) if size else whole
        if size and isinstance(self.raw, spaces.Box):
            self._seen = self.raw
        self._plain = isinstance(self.raw, spaces.Box)

    def _with_mask(self, observations, mask, size):
        if not size:
            if mask is not None:
                raise ValueError("action_mask: expected none, because the environment gives no masks, received one.")
            return observations
        flat = observations.reshape(len(observations), -1)
        allowed = mask_rows(mask, self._sizes, len(flat)).astype(self.observations.dtype)
        return np.concatenate([flat, allowed], axis=1)

    def _converted(self, observation, mask, size):
        raw = self.raw
        if not isinstance(raw, spaces.Box):
            if raw.contains(observation) or (isinstance(raw, spaces.Discrete) and np.ndim(observation) == 0):
                return self._with_mask(_flat(raw, observation)[None], mask, size), True
            several = _rows(raw, observation)
            if several is not None:
                return self._with_mask(np.stack([_flat(raw, each) for each in several]), mask, size), False
            if not isinstance(observation, dict | tuple) and np.shape(observation)[-1:] == self._seen.shape:
                single = observation.ndim == 1
                return self._with_mask(np.atleast_2d(observation), mask, size), single
        raise ValueError(f"observation: expected one in {one_line(raw)}, or a batch of them, received {_brief(observation)}.")


def _brief(observation):
    """What somebody passed as an observation, for messages."""
    if isinstance(observation, dict):
        return "parts " + ", ".join(f"{name!r} {list(np.shape(part))}" for name, part in observation.items())
    if isinstance(observation, tuple) and len(observation) == 2 and isinstance(observation[1], dict):
        return "(observation, info), as reset returns them; pass the observation"
    return type(observation).__name__ if isinstance(observation, tuple) else f"the shape {np.shape(observation)}"


def _raw(env):
    """The observation space before the wrappers that `Source.convert` does by itself."""
    while isinstance(env, PURE):
        env = env.env
    return env.observation_space


def _flat(space, observation):
    while isinstance(space, spaces.Dict) and len(space.spaces) == 1:
        ((name, space),) = space.spaces.items()
        observation = observation[name]
    if isinstance(space, spaces.Box) and space.shape:
        return np.asarray(observation)
    return np.asarray(spaces.flatten(space, observation))


def _rows(space, observation):
    """The observations of a batch, or None if it is none."""
    leaf = observation
    while isinstance(leaf, dict | tuple) and len(leaf):
        leaf = next(iter(leaf.values())) if isinstance(leaf, dict) else leaf[0]
    if np.ndim(leaf) == 0 or not math.prod(np.shape(leaf)):
        return None
    try:
        rows = list(iterate(batch_space(space, len(leaf)), observation))
    except Exception:
        return None
    return rows if rows and all(isinstance(space, spaces.Discrete) or space.contains(row) for row in rows) else None
