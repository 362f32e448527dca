"""SARSA learns the safe path along the cliff, Q-learning the shorter path at its edge.

Expected: q_learning_greedy_return >= -13 (the optimum; SARSA -15 to -17; random -65375)
Time: 1 minute
Source: Sutton and Barto 2018, example 6.6 with its figure, and figure 6.3.

Q-learning falls off the cliff more often while it learns. Figure 6.3 adds expected SARSA and
compares the three at alpha from 0.1 to 1 over the first 100 episodes. The return of the random
policy is that without a time limit.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 50
    """Number of repetitions. The pictures show means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 500
    """Episodes of each repetition."""
    step_size: Annotated[float, Interval(1e-6, 1)] = 0.5
    """alpha of the learning curves and of the drawn values."""
    step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """alpha of the comparison of step sizes."""
    epsilon: Annotated[float, Interval(0, 1)] = 0.1
    """Probability of a random action."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.step_sizes, "step_sizes", "at least one", self.step_sizes)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        curves = self.episodes + 5 * 48 + 1  # numbers of a run with `step_size`
        comparison = len(self.step_sizes) * min(self.episodes, 100)  # and with `step_sizes`
        size = 8 * memory.CHECKPOINTED * 3 * self.runs * (curves + comparison)
        return [memory.Need("curves", size, "--runs, --episodes")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs all methods many times.

    Returns, for each method, the mean return of the last 100 episodes, and the median return of the
    greedy policies.
    """
    from envs.cliff import Cliff
    from experiments.common import tabular as shared
    from experiments.common.value_maps import draw_values, marks_of
    from lab.agents.tabular import ExpectedSarsa, QLearning, Sarsa

    env = Cliff()
    mdp = env.mdp
    methods = {"SARSA": Sarsa, "Q-learning": QLearning, "expected SARSA": ExpectedSarsa}
    shapes = {"values": (mdp.num_states, mdp.num_actions), "policy": (mdp.num_states,), "greedy": ()}

    def learners(method, step_size, count, shapes):
        """Repetitions of the returns `[count]`, and of the results of these shapes."""

        def compute(seed):
            agent = method(mdp.num_states, mdp.num_actions, step_size=step_size, epsilon=config.epsilon)
            returns = shared.run_episodes(agent, env, count, seed=seed)[0]
            policy = agent.greedy_policy()
            greedy = deterministic_return(mdp, policy)
            return {"returns": returns, "values": np.asarray(agent.values), "policy": policy, "greedy": greedy}

        return shared.Repetitions(config.runs, compute, {"returns": (count,)} | shapes)

    plan = {name: learners(method, config.step_size, config.episodes, shapes) for name, method in methods.items()} | {
        f"{name}, alpha {alpha}": learners(method, alpha, min(100, config.episodes), {})
        for name, method in methods.items()
        for alpha in config.step_sizes
    }
    found = shared.repeat(track, plan)
    results: dict[str, float] = {}
    curves = {}
    figure, axes = shared.new_figure(15, 8, nrows=2, ncols=2)
    marks = marks_of(mdp) | {"C cliff, back to the start": [(3, column) for column in range(1, 11)]}
    for column, name in enumerate(methods):
        returns, learnt, policies, greedy = found[name].values()
        key = name.lower().replace(" ", "_").replace("-", "_")
        results |= {f"{key}_greedy_return": float(np.median(greedy)), f"{key}_online_return": float(returns[:, -100:].mean())}
        smooth = config.episodes >= 10
        curves[name] = np.array([moving_average(row) for row in returns]) if smooth else returns
        if column < 2:
            values, policy = learnt[-1].max(axis=1), policies[-1].astype(int)
            draw_values(axes[0, column], mdp, values, policy, digits=0, title=f"{name}: learnt values and policy", marks=marks)
    shared.draw_curves(axes[1, 0], curves, xlabel="episodes", ylabel="return, mean of 10 episodes", ylim=(-100, 0))
    axes[1, 0].set_title(f"return while learning, epsilon = {config.epsilon}, mean of {config.runs} runs")
    comparison = {
        name: np.transpose([found[f"{name}, alpha {alpha}"]["returns"].mean(axis=1) for alpha in config.step_sizes])
        for name in methods
    }
    shared.draw_curves(
        axes[1, 1],
        comparison,
        x=config.step_sizes,
        xlabel="step size alpha",
        ylabel="mean return of the first 100 episodes",
        title="early learning with each step size, and 95 % interval",
        ylim=(-160, 0),
    )
    shared.save_figure(track, figure, "cliff.png")
    means = {f"{name}_return".replace(" ", "_"): rows.mean(axis=0) for name, rows in curves.items()}
    for episode in range(config.episodes):
        track.log({key: mean[min(episode, len(mean) - 1)] for key, mean in means.items()}, episode + 1)
    return results


def moving_average(values: np.ndarray, window: int = 10) -> np.ndarray:
    """Means over windows of consecutive values, `[n - window + 1]`."""
    return np.convolve(values, np.full(window, 1 / window), mode="valid")


def deterministic_return(mdp: Any, policy: Any, limit: int = 200) -> float:
    """The undiscounted return of a policy where each action has one outcome.

    It is -inf if the policy does not reach a terminal state within `limit` steps.
    """
    state, total = int(mdp.start.argmax()), 0.0
    for _ in range(limit):
        following, _, rewards = mdp.successors(state, policy[state])
        total, state = total + float(rewards[0]), int(following[0])
        if mdp.terminal[state]:
            return total
    return float("-inf")


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 200, "step_sizes": (0.2, 0.9)})
