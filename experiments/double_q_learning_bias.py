"""Maximization bias: noise misleads Q-learning, but not double Q-learning.

Expected: double_q_learning_left <= 0.1 (share of left, last 100 episodes; 0.05 by epsilon alone)
Time: 20 seconds
Source: Sutton and Barto 2018, example 6.7 with figure 6.5 (10,000 runs there).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the learners."""

    runs: Annotated[int, Interval(2, 10**5)] = 1_000
    """Number of repetitions. The picture shows means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(10, 10**7)] = 300
    """Episodes of each repetition."""
    actions: Annotated[int, Interval(2, 10**4)] = 10
    """Number of actions in state B."""
    step_size: Annotated[float, Interval(1e-6, 1)] = 0.1
    """alpha."""
    epsilon: Annotated[float, Interval(0, 1)] = 0.1
    """Probability of a random action."""

    def __post_init__(self) -> None:
        validation.check_fields(self)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        return [
            memory.Need("curves", 8 * memory.CHECKPOINTED * 2 * self.runs * self.episodes, "--runs, --episodes"),
            memory.Need("model", memory.array(8, 9, self.actions), "--actions"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs both learners many times.

    Returns how often they take left in state A in the last 100 episodes, as a share, and the
    greatest share over the episodes for Q-learning.
    """
    from envs.maximization_bias import MaximizationBias
    from experiments.common import tabular as shared
    from lab.agents.tabular import DoubleQLearning, QLearning

    env = MaximizationBias(config.actions)
    available = env.mdp.available
    options = {"step_size": config.step_size, "epsilon": config.epsilon, "available": available}

    def learners(method):
        """Repetitions of whether each episode went left, and so had two steps, `[episodes]`."""

        def compute(seed):
            agent = method(3, config.actions, **options)
            lengths = shared.run_episodes(agent, env, config.episodes, seed=seed)[1]
            return {"left": lengths == 2}

        return shared.Repetitions(config.runs, compute, {"left": (config.episodes,)})

    found = shared.repeat(track, {"Q-learning": learners(QLearning), "double Q-learning": learners(DoubleQLearning)})
    left = {name: results["left"] for name, results in found.items()}
    percent = {name: 100 * rows for name, rows in left.items()}
    figure, axes = shared.new_figure()
    label = f"best possible: {50 * config.epsilon:g} %"
    axes.axhline(50 * config.epsilon, color="k", linestyle="--", linewidth=0.8, label=label)
    title = f"Maximization bias: how often the worse action is taken, {config.runs:,} runs"
    shared.draw_curves(axes, percent, xlabel="episodes", ylabel="action left in state A, %", ylim=(0, 100), title=title)
    shared.save_figure(track, figure, "bias.png")
    for episode in range(config.episodes):
        track.log({f"{name.replace(' ', '_')}_left": rows[:, episode].mean() for name, rows in left.items()}, episode + 1)
    tail = slice(-min(100, config.episodes), None)
    return {
        "double_q_learning_left": float(left["double Q-learning"][:, tail].mean()),
        "q_learning_left": float(left["Q-learning"][:, tail].mean()),
        "q_learning_peak": float(left["Q-learning"].mean(axis=0).max()),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 20, "episodes": 50})
