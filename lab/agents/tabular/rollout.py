"""A learner's steps in one Gymnasium environment with discrete observations."""

import random
from math import isfinite

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Tuple
from gymnasium.utils import RecordConstructorArgs

from lab.agents.rollout import EnvironmentFailure, IterationStats


class TabularRollout:
    """One environment, one step at a time, in plain Python; the same face for `train` as the rollouts of deep agents.

    Args:
        agent: a `Learner`.
        env: a Gymnasium environment whose observations and actions are `Discrete`; see `DiscreteStates` and `TileCoded` for others.
        seed: the run's seed. Resets and the learner's random numbers come from (seed, the step of the last reset) alone.
    """

    num_envs = 1
    variables = ()  # the state of a host environment cannot be saved; a reset with a known seed stands for it

    def __init__(self, agent, env, *, seed):
        require_spaces(env, agent.observations)
        for name, space in (("states", env.observation_space), ("actions", env.action_space)):
            count = getattr(agent, name, None)
            if count is not None and count != space.n:
                raise ValueError(f"agent: expected {space.n} {name}, as the environment has, received {count}.")
        self.agent = agent
        self.env = env
        self.seed = seed

    def reset(self, step):
        """Starts a new episode, seeded by the run's seed and the number of steps taken so far."""
        world, choices = np.random.SeedSequence((self.seed, step)).generate_state(2).tolist()
        self.agent.begin(random.Random(choices))
        self._begin(seed=world)

    def _begin(self, **options):
        observation, _ = self.env.reset(**options)
        self._action = self.agent.start(observation)
        self._return = 0.0
        self._length = 0

    def run(self, iterations, learn):
        """Takes `iterations` steps, learning from each."""
        agent, step = self.agent, self.env.step
        finished = []
        for _ in range(iterations):
            state, reward, terminated, truncated, _ = step(self._action)
            if not isfinite(reward):
                raise EnvironmentFailure(
                    f"expected a finite reward, received {reward} after {self._length} steps of an episode."
                )
            self._return += reward
            self._length += 1
            if terminated:
                agent.end(reward)
            elif truncated:
                agent.cut(reward, state)
            else:
                self._action = agent.step(reward, state)
                continue
            finished.append((self._return, self._length))
            self._begin()
        episodes = np.array(finished).reshape(-1, 2)
        return IterationStats({}, episodes[:, 0], episodes[:, 1])


class DiscreteStates(gymnasium.ObservationWrapper, RecordConstructorArgs):
    """Numbers the observations of a MultiDiscrete space, or of a Tuple of Discrete ones, from 0: Blackjack's 32 x 11 x 2 become 704."""

    def __init__(self, env):
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
        self.observation_space = Discrete(int(np.prod(self.sizes)))

    def observation(self, observation):
        """The number of an observation, in row-major order."""
        number = 0
        for part, start, size in zip(np.ravel(observation).tolist(), self._starts, self.sizes, strict=True):
            number = number * size + int(part) - start
        return number


def require_spaces(env, observations=Discrete):
    """ValueError where a learner of this kind of observations cannot work."""
    for name, kind in (("observation_space", observations), ("action_space", Discrete)):
        space = getattr(env, name)
        if not isinstance(space, kind) or np.any(space.start != 0):
            raise ValueError(f"env.{name}: expected {kind.__name__}, numbered from 0, received {space}.")
