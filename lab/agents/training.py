"""Training and evaluation loops, the same for every agent."""

import time
from typing import NamedTuple

import numpy as np

from lab import errors
from lab.agents.spaces import as_action
from lab.agents.steps import round_up, whole_steps


class Report(NamedTuple):
    """Where training stands after some iterations."""

    step: int  # environment steps taken since the start of the run, over all environments
    metrics: dict[str, float]  # diagnostics of `learn`, and those of the episodes that ended
    boundary: bool  # a checkpoint taken here resumes exactly


def train(agent, rollout, *, steps, start=0, report_every=1_000, checkpoint_every=10_000):
    """Trains for at least `steps` environment steps, rounded up to whole reports, and yields a `Report` now and then.

    First come the agent's `warm_up` steps without learning, then iterations of collecting and learning. At every
    `checkpoint_every` steps the report is a boundary: all state is in the variables of agent and rollout, and host
    environments start anew from a seed that depends on the run's seed and this step alone, whether the run was
    interrupted here or not.

    Args:
        start: the step of the boundary from which to go on; the variables hold its checkpoint.
        report_every, checkpoint_every: environment steps, rounded up to whole rollouts.

    Metrics yielded, over the episodes that ended since the last report: `episode_return` (mean undiscounted return),
    `episode_length` (mean, steps); `steps_per_second` (learning included, wall time); and the means of what `agent.learn`
    returned.
    """
    per_iteration = agent.rollout_length * rollout.num_envs
    warm_up, total = whole_steps(steps, agent.warm_up, per_iteration, report_every)
    report_every = round_up(report_every, per_iteration)
    checkpoint_every = round_up(checkpoint_every, per_iteration)
    step = start
    boundary = True
    while step < total:
        if boundary:
            rollout.reset(step)
        learn = step >= warm_up
        until_boundary = checkpoint_every - (step - warm_up) % checkpoint_every
        span = min(report_every, until_boundary, total - step) if learn else warm_up
        began = time.perf_counter()
        batch = rollout.run(span // per_iteration, learn)
        seconds = time.perf_counter() - began
        step += span
        boundary = step >= total or (learn and (step - warm_up) % checkpoint_every == 0)
        metrics = dict(batch.metrics, steps_per_second=span / seconds)
        if len(batch.episode_returns):
            metrics["episode_return"] = float(np.mean(batch.episode_returns))
            metrics["episode_length"] = float(np.mean(batch.episode_lengths))
        errors.require_finite_metrics(metrics, agent.variables, f"step {step}")
        yield Report(step, metrics, boundary)


def evaluate(agent, envs, *, episodes, seed):
    """Undiscounted returns of the greedy policy, `[episodes]`, on a vector environment made for this purpose.

    The first `episodes / num_envs` episodes of each environment count, so that short episodes are not preferred.
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
        observation, reward, terminated, truncated, _ = envs.step(as_action(envs.action_space, policy(observation, start)[0]))
        running += reward
        start = terminated | truncated
        for i in np.flatnonzero(start):
            returns[i].append(running[i])
            running[i] = 0.0
    return np.concatenate([r[:per_env] for r in returns])
