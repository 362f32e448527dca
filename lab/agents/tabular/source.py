"""The environments of a tabular agent: one in which it learns, fresh ones to evaluate it."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from lab.agents import environment_checks, environments
from lab.agents.copies import Copies, copies, name_of
from lab.agents.parts import MASK, MaskInObservation, mask_rows
from lab.agents.spaces import discrete, one_line

LARGEST_TABLE = 10**8  # pairs of state and action


class TabularSource:
    """Environments for a tabular agent, with the interface of `lab.agents.source.Source`.

    Args:
        environment: an id, a class or function that makes a `gymnasium.Env`, or an environment.
        encode: a wrapper, which gives the observations that the learner takes.
        wrappers: functions, environment -> environment, the innermost first.
        options: keyword arguments of the environment.
        action_mask: whether masks of actions are obeyed, where the environment gives them.

    Attributes:
        training: the environment in which the agent learns. It gives masks in its infos.
        observations, actions: its spaces.
        raw: the observation space of the environment itself.
        masked: whether the first reset gave a mask that is obeyed.

    Raises:
        ValueError: there is no such environment, or the learner cannot learn in it.
    """

    num_envs, vectorization = 1, "sync"

    def __init__(
        self,
        environment: Any,
        encode: Callable[[gymnasium.Env], gymnasium.Env],
        *,
        wrappers: Iterable[Any] = (),
        options: Mapping[str, Any] | None = None,
        action_mask: bool = True,
    ) -> None:
        self.environment, self.action_mask = environment, action_mask
        self.options, self.wrappers = dict(options or {}), tuple(wrappers)
        self._encode = encode
        self._again = copies(environment) if isinstance(environment, gymnasium.Env) else environment
        if isinstance(environment, str):
            environment_checks.require_environment(environment, check=self._check, make=lambda name: self._create())
        else:
            probe = self._create()
            self._check(probe)
            if not isinstance(self._again, Copies):  # a copy may share its window with the environment
                probe.close()
        if isinstance(self._again, Copies):
            self._again.first()
        inner = self._create()
        self.raw, self.actions = inner.observation_space, inner.action_space
        self.training = encode(inner)
        self.observations = self.training.observation_space

    @property
    def name(self) -> str:
        """The id, or the name of the class or function."""
        return name_of(self.environment)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `for_env` that say how the environments are made, for a file."""
        return {"action_mask": self.action_mask}

    @property
    def parts(self) -> tuple[list[int], list[int]]:
        """(sizes, first numbers) of the parts of discrete observations."""
        return _parts(self.raw)

    def fresh(self, count: int) -> SyncVectorEnv:
        """A new vector environment of `count` environments, in which the agent does not learn.

        Where masks are obeyed they are behind the states, `[B, 1 + A]`.
        """
        return SyncVectorEnv([self._masking] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)

    def single(self, render_mode: str | None = None) -> gymnasium.Env:
        """A new environment, for a picture of an episode. Masks are behind its states."""
        return self._masking(render_mode)

    def convert(self, observation: Any, mask: Any = None) -> tuple[np.ndarray, bool]:
        """(observations as the learner takes them, whether it was a single one).

        Args:
            observation: one, or a batch, as the environment gives it.
            mask: `info["action_mask"]`, of one observation or a batch. Without it all are allowed.
        """
        array, single = self._batch(observation)
        if isinstance(self.raw, spaces.Box):
            rows: Any = np.stack([self.training.observation(each) for each in array])  # type: ignore[attr-defined]
        else:
            rows = self._numbers(array, observation)
        if mask is None:
            return rows, single
        if rows.ndim > 1:
            raise ValueError(f"action_mask: expected none with observations in {one_line(self.raw)}, received one.")
        masks = mask_rows(mask, [discrete(self.actions)], len(rows))
        return np.column_stack([rows, masks.astype(int)]), single

    def _create(self, render_mode=None):
        """An environment with its own observations."""
        env = environments.create(self._again, options=self.options, wrappers=self.wrappers, render_mode=render_mode)
        return environments.limited(env)

    def _check(self, env):
        """What the learner needs. Also finds out whether there are masks."""
        discrete(env.action_space)
        environment_checks.check(env)
        pairs = math.prod(_parts(env.observation_space)[0]) * discrete(env.action_space)
        if pairs > LARGEST_TABLE:
            raise ValueError(f"env: expected at most {LARGEST_TABLE:,} pairs of state and action, received {pairs:,}.")
        self._encode(env)
        self.masked = self.action_mask and MASK in env.reset(seed=0)[1]

    def _masking(self, render_mode=None):
        """An environment with the observations that the policy takes."""
        env = self._encode(self._create(render_mode))
        return MaskInObservation(env) if self.masked else env

    def _batch(self, observation):
        """(observations `[B, ...]`, whether it was a single one)."""
        parts = len(self.raw.spaces) if isinstance(self.raw, spaces.Tuple) else None
        shape = self.raw.shape if parts is None else (parts,)
        array = np.asarray(observation)
        if (
            parts and isinstance(observation, tuple) and isinstance(observation[0], np.ndarray) and array.ndim == 2
        ):  # as a vector environment gives them
            array = array.T
        if array.shape != shape and (not array.ndim or array.shape[1:] != shape):
            self._refuse(f"the shape {array.shape}")
        return (array[None], True) if array.shape == shape else (array, False)

    def _numbers(self, array, observation):
        """The numbers of discrete observations `[B, ...]`, as `DiscreteStates` counts."""
        sizes, starts = self.parts
        whole = array.reshape(len(array), -1) - starts
        if array.dtype.kind not in "iu" or (whole < 0).any() or (whole >= sizes).any():
            self._refuse(one_line(observation))
        return np.ravel_multi_index(tuple(whole.T), sizes)

    def _refuse(self, received):
        raise ValueError(f"observation: expected one in {one_line(self.raw)}, or a batch of them, received {received}.")


def _parts(space):
    """(sizes, first numbers) of the parts of discrete observations; none of others."""
    sizes: list[int] = []
    starts: list[int] = []
    for part in space.spaces if isinstance(space, spaces.Tuple) else [space]:
        if isinstance(part, spaces.Discrete | spaces.MultiDiscrete):
            sizes += np.ravel(part.n if isinstance(part, spaces.Discrete) else part.nvec).tolist()
            starts += np.ravel(part.start).tolist()
    return sizes, starts
