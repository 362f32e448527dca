"""Training and evaluation loops, the same for every agent. This module does not import Keras."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lab import errors
from lab.agents.spaces import as_action


class Report(NamedTuple):
    """Where training stands after some iterations."""

    step: int  # environment steps taken since the start of the run, over all environments
    metrics: dict[str, float]  # means of what `learn` returned, and of the episodes that ended
    boundary: bool  # a checkpoint taken here resumes exactly


def round_up(value: int, multiple: int) -> int:
    """The least multiple of `multiple` that is >= value."""
    return -(-value // multiple) * multiple


def whole_steps(steps: int, learning_starts: int, per_iteration: int, report_every: int = 1_000) -> tuple[int, int]:
    """(steps before learning starts, steps in all), in environment steps.

    The first number is rounded up to whole iterations, the rest to whole reports.

    Args:
        per_iteration: environment steps of one rollout.
    """
    learning_starts = round_up(learning_starts, per_iteration)
    report_every = round_up(report_every, per_iteration)
    learning = round_up(max(steps - learning_starts, 0), report_every)  # one length of loop on the device: one compilation
    return learning_starts, learning_starts + learning


def train(
    agent: Any,
    rollout: Any,
    *,
    steps: int,
    start: int = 0,
    report_every: int = 1_000,
    checkpoint_every: int = 10_000,
    total: int | None = None,
) -> Iterator[Report]:
    """Trains for at least `steps` environment steps. Yields a `Report` every `report_every` steps.

    The first `agent.learning_starts` steps are collected without learning. Then each iteration
    collects a rollout and learns from it.

    Every `checkpoint_every` steps the report is a boundary: all state is in the variables of agent
    and rollout. There host environments begin new episodes, from a seed that depends only on the
    run's seed and this step. So a run that was interrupted there goes on exactly.

    The metrics of a report are means since the last one:

    - `episode_return`: undiscounted return of the episodes that ended;
    - `episode_length`: their length, in steps;
    - `steps_per_second`: environment steps per second of wall time, learning included;
    - whatever `agent.learn` returned.

    Args:
        steps: is rounded up as in `whole_steps`.
        start: the step of the boundary from which to go on. The variables hold its checkpoint.
        report_every, checkpoint_every: environment steps, rounded up to whole rollouts.
        total: the last step, a whole number of rollouts, instead of `steps` rounded up.
    """
    per_iteration = agent.rollout_length * rollout.num_envs
    learning_starts, rounded = whole_steps(steps, agent.learning_starts, per_iteration, report_every)
    total = rounded if total is None else total
    report_every = round_up(report_every, per_iteration)
    checkpoint_every = round_up(checkpoint_every, per_iteration)
    step = start
    boundary = True
    while step < total:
        if boundary:
            rollout.reset(step)
        learn = step >= learning_starts
        until_boundary = checkpoint_every - (step - learning_starts) % checkpoint_every
        span = min(report_every, until_boundary, total - step) if learn else learning_starts - step
        began = time.perf_counter()
        stats = rollout.run(span // per_iteration, learn)
        seconds = time.perf_counter() - began
        step += span
        boundary = step >= total or (learn and (step - learning_starts) % checkpoint_every == 0)
        metrics = dict(stats.metrics, steps_per_second=span / seconds)
        if len(stats.episode_returns):
            metrics["episode_return"] = float(np.mean(stats.episode_returns))
            metrics["episode_length"] = float(np.mean(stats.episode_lengths))
        errors.require_finite_metrics(metrics, agent.variables, f"step {step}")
        yield Report(step, metrics, boundary)


def evaluate(agent: Any, envs: Any, *, episodes: int, seed: int) -> np.ndarray:
    """Undiscounted returns of the greedy policy, `[episodes]`.

    The first `episodes / num_envs` episodes of each environment count. Otherwise short episodes
    would be preferred.

    Args:
        envs: a vector environment in SAME_STEP mode, which serves for this alone.
        episodes: a multiple of the number of environments.
        seed: seeds the environments.
    """
    if episodes % envs.num_envs:
        raise ValueError(f"episodes: expected a multiple of the {envs.num_envs} environments, received {episodes}.")
    per_env = episodes // envs.num_envs
    policy = agent.host_policy()
    seeds = np.random.SeedSequence(seed).generate_state(envs.num_envs)
    observation, _ = envs.reset(seed=[int(s) for s in seeds])
    returns: list[list[float]] = [[] for _ in range(envs.num_envs)]
    running, start = np.zeros(envs.num_envs), np.ones(envs.num_envs, bool)
    while min(len(r) for r in returns) < per_env:
        action = as_action(envs.action_space, policy(observation, start)[0])
        observation, reward, terminated, truncated, _ = envs.step(action)
        running += reward
        start = terminated | truncated
        for i in np.flatnonzero(start):
            returns[i].append(running[i])
            running[i] = 0.0
    return np.concatenate([r[:per_env] for r in returns])
