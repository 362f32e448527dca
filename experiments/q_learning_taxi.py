"""Q-learning on an environment with discrete observations, against the exact optimum.

Expected: greedy_return >= 7.63 (the optimal policy 7.93; random -771 within 200 steps)
Time: 30 seconds
Source: Watkins 1989; Gymnasium's Taxi-v4, FrozenLake-v1, CliffWalking-v1.

The default environment is the taxi. alpha falls with the number of visits of a pair, which
Q-learning needs to converge. epsilon falls linearly. If the environment has transition
probabilities, the expected returns of the greedy and of the optimal policy within the time limit
are computed exactly.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from lab import validation
from lab.agents import environment_checks, environments
from lab.agents.training import whole_steps
from lab.runs import experiment, memory
from lab.runs.curves import reference_lines
from lab.runs.track import Track
from lab.validation import Interval

LIMIT = 200  # steps of an episode, if the environment has no time limit


@dataclass(frozen=True)
class Config:
    """Settings of the environment and of the learner."""

    environment: str = "Taxi-v4"
    """Gymnasium id of an environment with discrete observations and actions."""
    steps: Annotated[int, Interval(1, 10**11)] = 1_000_000
    """Environment steps of the training."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """gamma of the learner. The result is undiscounted."""
    step_size_power: Annotated[float, Interval(0, 1)] = 0.6
    """alpha = 1 / (1 + earlier updates of the pair)^power. 0 is for deterministic environments."""
    epsilon_end: Annotated[float, Interval(0, 1)] = 0.1
    """Last probability of a random action, epsilon. The first is 1."""
    exploration_fraction: Annotated[float, Interval(0, 1)] = 0.8
    """epsilon falls linearly during this part of the steps."""
    initial: Annotated[float, Interval(-1e9, 1e9)] = 0.0
    """The first action values."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 1_000
    """Greedy episodes in new environments, whose mean return is the result."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        environment_checks.require_environment(self.environment, "Discrete", check=require_discrete)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        return [memory.Need("returns", 80 * self.evaluation_episodes, "--evaluation-episodes")]

    @property
    def report_every(self) -> int:
        """Environment steps between two reports."""
        return max(self.steps // 50, 1)

    @property
    def total_steps(self) -> int:
        """Environment steps of the whole run."""
        return whole_steps(self.steps, 0, 1, self.report_every)[1]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains a learner and evaluates its greedy policy.

    Returns its mean undiscounted return; with a known model also its exact expected return and that
    of the optimal policy.
    """
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

    env = make()
    mdp = known_model(config, track)
    duration = max(config.exploration_fraction * config.steps, 1)
    power = config.step_size_power
    rollout_seed, evaluation_seed = np.random.SeedSequence(track.seed).generate_state(2).tolist()
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
    rollout = TabularRollout(agent, env, seed=rollout_seed)
    every = config.report_every
    for report in train(
        agent,
        rollout,
        steps=config.steps,
        start=start,
        report_every=every,
        checkpoint_every=track.checkpoint_interval(every, every),
    ):
        exact = {} if mdp is None else {"exact_greedy_return": shared.expected_return(mdp, agent.greedy_policy(), steps=limit)}
        track.log(report.metrics | exact, report.step)
        if report.boundary:
            track.checkpoint(agent.variables, report.step)
    tests = SyncVectorEnv([make] * min(10, config.evaluation_episodes), autoreset_mode=AutoresetMode.SAME_STEP)
    episodes = config.evaluation_episodes - config.evaluation_episodes % tests.num_envs
    results = {"greedy_return": float(evaluate(agent, tests, episodes=episodes, seed=evaluation_seed).mean())}
    track.curve(
        "episode_return" if mdp is None else "exact_greedy_return",
        label="return of an episode" if mdp is None else "expected return of the greedy policy",
        x_label="environment steps",
        title=f"Q-learning on {config.environment}: {'training episodes' if mdp is None else 'the greedy policy'}",
        lines=reference_lines(config, "greedy_return"),
    )
    if mdp is not None:
        results |= {
            "exact_greedy_return": shared.expected_return(mdp, agent.greedy_policy(), steps=limit),
            "best_return": shared.expected_return(mdp, steps=limit),
        }
    return results


def require_discrete(env: Any) -> None:
    """ValueError if the observations are not discrete, or the environment does not work."""
    environment_checks.check_interface(env.unwrapped)
    space = env.observation_space
    if any(type(part).__name__ not in ("Discrete", "MultiDiscrete") for part in getattr(space, "spaces", [space])):
        raise ValueError(f"env: expected discrete observations, received {space}.")


def known_model(config: Config, track: Track) -> Any:
    """The undiscounted MDP of the environment; None if its model is missing or not complete."""
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
