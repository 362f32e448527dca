"""Rollouts: an agent acts in a batch of environments, on the host or inside a program.

`train` uses both kinds in the same way. They have `num_envs`, `variables`, `reset(step)` and
`run(iterations, learn)`.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from lab import engine
from lab.agents.algorithm import Algorithm, Trajectory
from lab.agents.spaces import NARROW, as_action, overflow
from lab.errors import EnvironmentFailure


class IterationStats(NamedTuple):
    """What some iterations of acting and learning produced."""

    metrics: dict  # name -> mean over the iterations; empty where nothing was learnt
    episode_returns: np.ndarray  # one per episode that ended, undiscounted
    episode_lengths: np.ndarray  # the same, in environment steps


class HostRollout:
    """A rollout in any Gymnasium vector environment in `AutoresetMode.SAME_STEP`.

    Acting is a function of arrays, `agent.host_policy`. Learning is one compiled call.

    Args:
        agent: an `Algorithm`.
        envs: a `gymnasium.vector.VectorEnv` in SAME_STEP mode.
        seed: the run's seed. It and the step of the last reset seed environments and exploration.
    """

    # The state of host environments cannot be saved. A resumed run resets them with a known seed.
    variables = ()

    def __init__(self, agent: Algorithm, envs: Any, *, seed: int) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if getattr(mode, "name", mode) != "SAME_STEP":
            raise ValueError(
                f"envs: expected AutoresetMode.SAME_STEP, received {mode}; give the vector environment "
                "autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP."
            )
        agent.require_place(envs.single_observation_space, envs.single_action_space, envs.num_envs)
        self.agent = agent
        self.envs = envs
        self.seed = seed
        self.num_envs = envs.num_envs
        self._finished: list[tuple] = []
        self._programs = {
            True: engine.compile(agent.learn, agent.variables, shared=True),
            False: engine.compile(agent.observe, agent.variables, shared=True),
        }

    def reset(self, step: int) -> None:
        """Starts new episodes, seeded by the run's seed and the number of steps taken so far."""
        seeds = np.random.SeedSequence((self.seed, step)).spawn(2)
        self._observation, _ = self.envs.reset(seed=[int(s) for s in seeds[0].generate_state(self.num_envs)])
        self._generator = np.random.default_rng(seeds[1])
        self._return = np.zeros(self.num_envs)
        self._length = np.zeros(self.num_envs, int)

    def run(self, iterations: int, learn: bool) -> IterationStats:
        """Collects a trajectory, and learns from it if `learn`. It does so `iterations` times."""
        metrics: list[dict] = []
        self._finished = []
        for _ in range(iterations):
            trajectory = self.collect(self.agent.rollout_length)
            result = self._programs[learn](trajectory)
            if learn:
                metrics.append({name: float(value) for name, value in result.items()})
        names = metrics[0] if metrics else ()
        finished = np.array(self._finished).reshape(-1, 2)
        return IterationStats(
            {name: float(np.mean([m[name] for m in metrics])) for name in names}, finished[:, 0], finished[:, 1]
        )

    def collect(self, length: int) -> Trajectory:
        """A `Trajectory` of `length` steps of each environment, as arrays."""
        policy = self.agent.host_policy(self._generator)
        observation = self._observation
        shape = (length, self.num_envs)
        observations = np.empty((length, *observation.shape), observation.dtype)
        next_observations = np.empty_like(observations)
        rewards = np.empty(shape, np.float32)
        terminateds, truncateds = np.empty(shape, bool), np.empty(shape, bool)
        actions: list = []
        extras: list = []
        space = self.envs.action_space
        for t in range(length):
            action, extra = policy(observation, self._length == 0)
            actions.append(action)
            extras.append(extra)
            observations[t] = observation
            action = action if action.dtype == space.dtype else as_action(space, action)
            observation, rewards[t], terminateds[t], truncateds[t], info = self.envs.step(action)
            next_observations[t] = observation
            self._return += rewards[t]
            self._length += 1
            ended = terminateds[t] | truncateds[t]
            if ended.any():
                self._end_episodes(np.flatnonzero(ended), info["final_obs"], next_observations[t])
        self._observation = observation.copy()
        stacked = {name: np.stack([extra[name] for extra in extras]) for name in extras[0]}
        trajectory = Trajectory(observations, np.stack(actions), rewards, terminateds, truncateds, next_observations, stacked)
        _require_finite(trajectory)
        return trajectory

    def _end_episodes(self, ended, final_observations, next_observation):
        for i in ended:
            last = final_observations[i]
            if np.shape(last) != next_observation[i].shape:  # it is another info of that name
                received = f"{last!r}; lab.agents.environments.make_vector keeps the environment's own out"
                raise EnvironmentFailure(
                    f"environment {i}: expected its last observation as info['final_obs'], received {received}."
                )
            next_observation[i] = last
            self._finished.append((self._return[i], self._length[i]))
        self._return[ended] = 0
        self._length[ended] = 0


class DeviceRollout:
    """A rollout in a functional environment that is batched over its leading axis.

    Acting, stepping the environments and learning are one program.

    Args:
        agent: an `Algorithm`.
        env: a `gymnasium.experimental.functional.FuncEnv`, written in `keras.ops` over `[B, ...]`.
            `initial(rng)` gets a `SeedGenerator` and returns the states of all B environments.
        max_episode_steps: the time limit. A functional environment has none of its own.
        seed: the run's seed. It seeds the environments.
        xla: as in `engine.compile`.
    """

    def __init__(self, agent: Algorithm, env: Any, *, max_episode_steps: int, seed: int, xla: bool | None = None) -> None:
        self._xla = xla
        self.agent = agent
        self.env = env
        self.max_episode_steps = max_episode_steps
        self.seed = keras.random.SeedGenerator(seed)
        state = env.initial(self.seed)
        self.num_envs = int(keras.tree.flatten(state)[0].shape[0])
        agent.require_place(env.observation_space, env.action_space, self.num_envs)
        self._state = keras.tree.map_structure(
            lambda x: keras.Variable(x, dtype=keras.backend.standardize_dtype(x.dtype), trainable=False, name="env_state"),
            state,
        )
        self._return = keras.Variable(np.zeros(self.num_envs), dtype="float32", trainable=False, name="env_episode_return")
        self._length = keras.Variable(np.zeros(self.num_envs), dtype="int32", trainable=False, name="env_episode_length")
        self.variables = [*keras.tree.flatten(self._state), self._return, self._length, self.seed.state]
        self._programs: dict = {}

    def reset(self, step: int) -> None:
        """Does nothing, because the state of the environments is in `variables`."""

    def run(self, iterations: int, learn: bool) -> IterationStats:
        """Does what `HostRollout.run` does, in one compiled call."""
        if (iterations, learn) not in self._programs:
            state = [*self.agent.variables, *self.variables]

            def iteration(_):
                trajectory, episodes = self._collect(self.agent.rollout_length)
                if learn:
                    return self.agent.learn(trajectory), episodes
                self.agent.observe(trajectory)
                return {}, episodes

            self._programs[iterations, learn] = engine.compile(
                lambda: engine.scan(iteration, state, length=iterations), state, xla=self._xla, shared=True
            )
        metrics, episodes = keras.tree.map_structure(np.asarray, self._programs[iterations, learn]())
        returns, lengths, ended = (x.reshape(-1) for x in episodes)
        return IterationStats({name: float(values.mean()) for name, values in metrics.items()}, returns[ended], lengths[ended])

    def collect(self, length: int) -> Trajectory:
        """A `Trajectory` of `length` steps of each environment, as tensors. A program."""
        return self._collect(length)[0]

    def _collect(self, length):
        # The first states of new episodes are drawn before the steps. When they were drawn within
        # the step, XLA needed four times as long for this as for all the rest.
        fresh = engine.scan(lambda _: self.env.initial(self.seed), [self.seed.state], length=length)
        return engine.scan(self._step, [*self.agent.variables, *self.variables], fresh)

    def _step(self, fresh):
        env, rng = self.env, self.seed
        state = keras.tree.map_structure(ops.copy, self._state)
        observation = env.observation(state, rng)
        action, extras = self.agent.act(observation, ops.equal(self._length.value, 0))
        next_state = env.transition(state, action, rng)
        reward = env.reward(state, action, next_state, rng)
        terminated = env.terminal(next_state, rng)
        length = self._length.value + 1
        truncated = length >= self.max_episode_steps
        ended = ops.logical_or(terminated, truncated)
        total = self._return.value + reward
        step = Trajectory(observation, action, reward, terminated, truncated, env.observation(next_state, rng), extras)
        keras.tree.map_structure(
            lambda variable, new, old: variable.assign(ops.where(_like(ended, new), new, old)),
            self._state,
            fresh,
            next_state,
        )
        self._return.assign(ops.where(ended, 0.0, total))
        self._length.assign(ops.where(ended, 0, length))
        return step, (total, length, ended)


def _like(mask, x):
    """`mask` `[B]` with as many axes as `x` `[B, ...]`."""
    return ops.reshape(mask, (-1, *[1] * (len(x.shape) - 1)))


def _require_finite(trajectory):
    """EnvironmentFailure where a number is not finite, or does not fit into 32 bits."""
    for name in ("observation", "reward", "next_observation"):
        values = getattr(trajectory, name)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            t, env = np.argwhere(~np.isfinite(values))[0][:2]
            raise EnvironmentFailure(
                f"environment {env}: expected a finite {name}, received {values[t, env]} at step {t} of this rollout."
            )
        dtype = NARROW.get(str(values.dtype))
        received = overflow(values, dtype) if dtype else None
        if received is not None:
            raise EnvironmentFailure(f"environment: expected {name}s that fit {dtype}, received {received}.")
