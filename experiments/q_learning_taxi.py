"""Q-learning on any Gymnasium environment with discrete observations, by default the taxi, against the exact optimum.

Expected: greedy_return >= 7.63 (exactly 7.93 for the best policy; random -771 under 200 steps)
Time: 30 seconds
Source: Watkins 1989; Gymnasium's Taxi-v4, FrozenLake-v1, CliffWalking-v1.

alpha falls with the visits of a pair, as convergence wants, and epsilon linearly to its end. Where the environment shows its transitions, the greedy
policy's value is also computed exactly, under the time limit, beside that of the best one.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.agents import environment_checks, environments
from lab.agents.training import whole_steps
from lab.runs import experiment, memory
from lab.validation import Interval

LIMIT = 200  # steps of an episode, where the environment has no limit of its own


@dataclass(frozen=True)
class Config:
    """The environment and the learner."""

    environment: str = "Taxi-v4"
    """Gymnasium id of an environment with discrete observations and actions."""
    steps: Annotated[int, Interval(1, 10**11)] = 1_000_000
    """Environment steps to train for."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """gamma of the learner; the result is undiscounted."""
    step_size_power: Annotated[float, Interval(0, 1)] = 0.6
    """alpha = 1 / (1 + visits of the pair)^power; 0 keeps it at 1, right where nothing is random."""
    epsilon_end: Annotated[float, Interval(0, 1)] = 0.1
    """Probability of a random action at the end; it falls linearly from 1."""
    exploration_fraction: Annotated[float, Interval(0, 1)] = 0.8
    """Share of the steps over which epsilon falls."""
    initial: Annotated[float, Interval(-1e9, 1e9)] = 0.0
    """q at the start."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 1_000
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        environment_checks.require_environment(self.environment, "Discrete", check=require_discrete)

    def memory(self):
        """What the run holds."""
        return [memory.Need("returns", 80 * self.evaluation_episodes, "--evaluation-episodes")]

    @property
    def report_every(self):
        """Environment steps between two reports."""
        return max(self.steps // 50, 1)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return whole_steps(self.steps, 0, 1, self.report_every)[1]


def run(config, track):
    """Trains and evaluates greedily. Returns the mean undiscounted return, measured, and, where the model is known, computed and at best."""
    import gymnasium
    import numpy as np
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    import envs  # noqa: F401
    from experiments.common import tabular as shared
    from lab.agents import evaluate, train
    from lab.agents.tabular import DiscreteStates, QLearning, TabularRollout

    limit = environments.time_limit(config.environment) or LIMIT

    def make():
        return DiscreteStates(gymnasium.make(config.environment, max_episode_steps=limit, disable_env_checker=True))

    env, mdp = make(), model(config, track)
    duration, power = max(config.exploration_fraction * config.steps, 1), config.step_size_power
    world, test = np.random.SeedSequence(track.seed).generate_state(2).tolist()
    agent = QLearning(
        env.observation_space.n,
        env.action_space.n,
        discount=config.discount,
        step_size=lambda count: (1 + count) ** -power,
        epsilon=lambda step: 1.0 + (config.epsilon_end - 1.0) * min(step / duration, 1.0),
        initial=config.initial,
        available=None if mdp is None else mdp.available[: env.observation_space.n],
    )
    start = track.restore(agent.variables)
    rollout = TabularRollout(agent, env, seed=world)
    every = config.report_every
    for report in train(
        agent,
        rollout,
        steps=config.steps,
        start=start,
        report_every=every,
        checkpoint_every=track.checkpoint_interval(every, every),
    ):
        exact = {} if mdp is None else {"exact_greedy_return": shared.return_within(limit, mdp, agent.greedy_policy())}
        track.log(report.metrics | exact, report.step)
        if report.boundary:
            track.checkpoint(agent.variables, report.step)
    tests = SyncVectorEnv([make] * min(10, config.evaluation_episodes), autoreset_mode=AutoresetMode.SAME_STEP)
    episodes = config.evaluation_episodes - config.evaluation_episodes % tests.num_envs
    results = {"greedy_return": float(evaluate(agent, tests, episodes=episodes, seed=test).mean())}
    track.curve("episode_return" if mdp is None else "exact_greedy_return", label="return", x_label="environment steps")
    if mdp is not None:
        results |= {
            "exact_greedy_return": shared.return_within(limit, mdp, agent.greedy_policy()),
            "best_return": shared.return_within(limit, mdp),
        }
    return results


def require_discrete(env):
    """ValueError where the observations are not discrete, or the environment does not work."""
    environment_checks.check_interface(env.unwrapped)
    space = env.observation_space
    if any(type(part).__name__ not in ("Discrete", "MultiDiscrete") for part in getattr(space, "spaces", [space])):
        raise ValueError(f"env: expected discrete observations, received {space}.")


def model(config, track):
    """The environment's MDP, undiscounted; None where it does not show one, or not all of it."""
    import gymnasium

    from envs.tabular import from_gymnasium

    env = gymnasium.make(config.environment)
    if not hasattr(env.unwrapped, "P") and not hasattr(env.unwrapped, "mdp"):
        return None
    try:
        return from_gymnasium(env, 1.0)
    except ValueError as error:
        track.say(f"no exact values: {error}")
        return None


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 5_000, "evaluation_episodes": 10})
