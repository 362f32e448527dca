"""Maximisation bias: Q-learning is lured by noise, double Q-learning is not.

Expected: double_q_learning_left <= 0.1 (share of left in the last 100 episodes; 0.05 is what epsilon alone gives)
Time: 20 seconds
Source: Sutton and Barto 2018, example 6.7 with figure 6.5 (10,000 runs there).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The learners."""

    runs: Annotated[int, Interval(2, 10**5)] = 1_000
    """Repetitions of which the picture shows the mean, with a 95 % interval."""
    episodes: Annotated[int, Interval(10, 10**7)] = 300
    """Episodes of each."""
    actions: Annotated[int, Interval(2, 10**4)] = 10
    """Actions of the state B."""
    step_size: Annotated[float, Interval(1e-6, 1)] = 0.1
    """alpha."""
    epsilon: Annotated[float, Interval(0, 1)] = 0.1
    """Probability of a random action."""

    def __post_init__(self):
        validation.check_fields(self)

    def memory(self):
        """What the run holds."""
        return [
            memory.Need("curves", 8 * memory.CHECKPOINTED * 2 * self.runs * self.episodes, "--runs, --episodes"),
            memory.Need("model", memory.array(8, 9, self.actions), "--actions"),
        ]


def run(config, track):
    """Learns many times over. Returns how often left was taken from A: at its peak by Q-learning, and in the last episodes by both."""
    from envs.maximization_bias import MaximizationBias
    from experiments.common import tabular as shared
    from lab.agents.tabular import DoubleQLearning, QLearning

    env = MaximizationBias(config.actions)
    available = env.mdp.available
    options = {"step_size": config.step_size, "epsilon": config.epsilon, "available": available}

    def learners(kind):
        """Repetitions of which episodes went to the left: those of two steps, for one to the right has a single step."""

        def learn(seed):
            return {"left": shared.episodes(kind(3, config.actions, **options), env, config.episodes, seed=seed)[1] == 2}

        return shared.Repeated(config.runs, learn, {"left": (config.episodes,)})

    found = shared.repeat(track, {"Q-learning": learners(QLearning), "double Q-learning": learners(DoubleQLearning)})
    left = {name: findings["left"] for name, findings in found.items()}
    made, axes = shared.figure()
    shared.draw_curves(
        axes, {name: 100 * rows for name, rows in left.items()}, xlabel="episodes", ylabel="left from A, %", ylim=(0, 100)
    )
    axes.axhline(50 * config.epsilon, color="k", linestyle="--", linewidth=0.8)
    shared.save(track, made, "bias.png")
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
