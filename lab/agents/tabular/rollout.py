"""The interaction of a tabular learner with one Gymnasium environment."""

import random
from collections.abc import Callable
from math import isfinite, prod
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Tuple
from gymnasium.utils import RecordConstructorArgs

from lab.agents.parts import MASK
from lab.agents.rollout import IterationStats
from lab.agents.tabular.learner import Learner
from lab.errors import EnvironmentFailure


class TabularRollout:
    """Steps of a learner in one environment, in plain Python.

    `train` uses it like the rollouts of deep agents (`lab.agents.rollout`).

    Args:
        agent: a `Learner`.
        env: a Gymnasium environment with `Discrete` observations and actions. For other
            observations see `DiscreteStates` and `TileCoded`.
        seed: the seed of the run. It determines, together with the step of the last reset, the
            random numbers of the environment and of the learner.
        action_mask: whether `info["action_mask"]` is obeyed, where the first reset gives one. The
            learner must have `restrict`, as `ActionValues`.

    Raises:
        ValueError: the spaces of the environment do not fit the learner.
    """

    num_envs = 1
    variables = ()  # empty: a checkpoint cannot hold the environment, so each one resets it with a known seed

    def __init__(self, agent: Learner, env: Any, *, seed: int, action_mask: bool = False) -> None:
        require_spaces(env, agent.observations)
        spaces: tuple[tuple[str, Any], ...] = (("states", env.observation_space), ("actions", env.action_space))
        for name, space in spaces:
            count = getattr(agent, name, None)
            if count is not None and count != space.n:
                raise ValueError(f"agent: expected {space.n} {name}, as the environment has, received {count}.")
        if action_mask and not hasattr(agent, "restrict"):
            raise ValueError(
                f"action_mask: expected False with {type(agent).__name__}, which cannot obey masks, received True."
            )
        self.agent = agent
        self.env = env
        self.seed = seed
        self._obey, self._masked = action_mask, False

    def reset(self, step: int) -> None:
        """Starts an episode with random numbers that depend on (seed, `step`) alone.

        Args:
            step: number of steps taken since the start of the run.
        """
        env_seed, agent_seed = np.random.SeedSequence((self.seed, step)).generate_state(2).tolist()
        self.agent.begin(random.Random(agent_seed))
        observation, info = self.env.reset(seed=env_seed)
        self._masked = self._obey and MASK in info
        self._start_episode(observation, info)

    def _start_episode(self, observation, info):
        if self._masked:
            self._restrict(observation, info)
        self._action = self.agent.start(observation)
        self._return = 0.0
        self._length = 0

    def _restrict(self, state, info):
        if MASK not in info:
            raise EnvironmentFailure(f"env: expected info[{MASK!r}] at each step, as at the first, received none.")
        self.agent.restrict(state, info[MASK])  # type: ignore[attr-defined]  # checked in the constructor

    def run(self, iterations: int, learn: bool) -> IterationStats:
        """Takes `iterations` steps. The learner learns from each (`learn` is not used).

        Returns:
            The returns and lengths of the episodes that ended.
        """
        agent = self.agent
        step: Callable[[int], tuple] = self.env.step
        masked = self._masked
        finished = []
        for _ in range(iterations):
            state, reward, terminated, truncated, info = step(self._action)
            if not isfinite(reward):
                raise EnvironmentFailure(
                    f"expected a finite reward, received {reward} after {self._length} steps of an episode."
                )
            self._return += reward
            self._length += 1
            if masked and not terminated:
                self._restrict(state, info)
            if terminated:
                agent.end(reward)
            elif truncated:
                agent.cut(reward, state)
            else:
                self._action = agent.step(reward, state)
                continue
            finished.append((self._return, self._length))
            self._start_episode(*self.env.reset())
        episodes = np.array(finished).reshape(-1, 2)
        return IterationStats({}, episodes[:, 0], episodes[:, 1])


class DiscreteStates(gymnasium.ObservationWrapper, RecordConstructorArgs):
    """Replaces discrete observations of several parts by one number.

    The space may be `Discrete`, `MultiDiscrete` or a `Tuple` of `Discrete` spaces. The numbers are
    in row-major order: the 32 x 11 x 2 observations of Blackjack become 0 to 703.

    Args:
        env: a Gymnasium environment with such observations.
    """

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        space = env.observation_space
        if isinstance(space, Discrete):
            parts = [space]
        elif isinstance(space, Tuple) and all(isinstance(part, Discrete) for part in space.spaces):
            parts = [part for part in space.spaces if isinstance(part, Discrete)]
        elif isinstance(space, MultiDiscrete):
            parts = [Discrete(int(n), start=int(s)) for n, s in zip(space.nvec.ravel(), np.ravel(space.start), strict=True)]
        else:
            raise ValueError(f"env: expected discrete observations, received {space}.")
        self.sizes = tuple(int(part.n) for part in parts)
        self._starts = [int(part.start) for part in parts]
        self.observation_space = Discrete(prod(self.sizes))

    def observation(self, observation: Any) -> int:
        """The number of an observation."""
        number = 0
        for part, start, size in zip(np.ravel(observation).tolist(), self._starts, self.sizes, strict=True):
            number = number * size + int(part) - start
        return number


def require_spaces(env: gymnasium.Env, observations: Any = Discrete) -> None:
    """Checks that observations are of a kind, actions are `Discrete`, and both are numbered from 0.

    Raises:
        ValueError: they are not.
    """
    for name, kind in (("observation_space", observations), ("action_space", Discrete)):
        space: Any = getattr(env, name)
        if not isinstance(space, kind) or np.any(getattr(space, "start", 0) != 0):
            raise ValueError(f"env.{name}: expected {kind.__name__}, numbered from 0, received {space}.")
