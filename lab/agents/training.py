"""Training and evaluation loops, the same for every agent. No Keras in here."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lab import errors
from lab.agents.spaces import as_action


class Report(NamedTuple):
    """Where training stands after some iterations."""

    step: int  # environment steps taken since the start of the run, over all environments
    metrics: dict[str, float]  # diagnostics of `learn`, and those of the episodes that ended
    boundary: bool  # a checkpoint taken here resumes exactly


def round_up(value: int, multiple: int) -> int:
    """The least multiple that is not below a value."""
    return -(-value // multiple) * multiple


def whole_steps(steps: int, learning_starts: int, per_iteration: int, report_every: int = 1_000) -> tuple[int, int]:
    """(steps before learning starts, steps in all): whole iterations, then whole reports."""
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
) -> Iterator[Report]:
    """Trains for at least `steps` environment steps, in whole reports; yields a `Report` each.

    The agent's first `learning_starts` steps come without learning, then iterations of collecting
    and learning. Every `checkpoint_every` steps the report is a boundary: all state is in the
    variables of agent and rollout. There host environments start anew, from a seed that depends on
    the run's seed and this step alone, whether the run was interrupted or not.

    Args:
        start: the step of the boundary from which to go on; the variables hold its checkpoint.
        report_every, checkpoint_every: environment steps, rounded up to whole rollouts.

    Metrics yielded, over the episodes that ended since the last report: `episode_return` (mean
    undiscounted return), `episode_length` (mean, steps); `steps_per_second` (learning included,
    wall time); and the means of what `agent.learn` returned.
    """
    per_iteration = agent.rollout_length * rollout.num_envs
    learning_starts, total = whole_steps(steps, agent.learning_starts, per_iteration, report_every)
    report_every = round_up(report_every, per_iteration)
    checkpoint_every = round_up(checkpoint_every, per_iteration)
    step = start
    boundary = True
    while step < total:
        if boundary:
            rollout.reset(step)
        learn = step >= learning_starts
        until_boundary = checkpoint_every - (step - learning_starts) % checkpoint_every
        span = min(report_every, until_boundary, total - step) if learn else learning_starts
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
    """Undiscounted returns of the greedy policy, `[episodes]`, on a vector environment of its own.

    The first `episodes / num_envs` episodes of each environment count, so that short episodes are
    not preferred.
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
