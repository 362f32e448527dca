"""REINFORCE on the short corridor, with and without a baseline: the best policy is stochastic.

Expected: baseline_return >= -13 (last 100 episodes; optimum -11.66; epsilon-greedy -44 or -82)
Time: 2 minutes
Source: Sutton and Barto 2018, example 13.1, figures 13.1 and 13.2; 100 runs there.

The features are the same in all places. The first policy takes right with probability 0.05.
Figure 13.1 has alpha = 2^-12 to 2^-14. Figure 13.2 has a baseline: alpha = 2^-9, and 2^-6 for the
baseline.

Difference from the book: episodes are truncated after `limit` steps.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 50
    """Number of repetitions. The picture shows means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 1_000
    """Episodes of each repetition."""
    powers: Annotated[tuple[int, ...], Interval(-60, 0)] = (-12, -13, -14)
    """alpha without a baseline is 2 to the power of these numbers."""
    baseline_power: Annotated[int, Interval(-60, 0)] = -9
    """alpha with a baseline is 2 to the power of this number."""
    baseline_own_power: Annotated[int, Interval(-60, 0)] = -6
    """The step size of the baseline is 2 to the power of this number."""
    start: Annotated[float, Interval(0.01, 0.99)] = 0.05
    """Probability of right in the first policy."""
    limit: Annotated[int, Interval(10, 10**7)] = 1_000
    """Greatest length of an episode, in steps. A deterministic policy may never end one."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.powers, "powers", "at least one", self.powers)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        curves = 8 * memory.CHECKPOINTED * (len(self.powers) + 1) * self.runs * self.episodes
        return [memory.Need("curves", curves, "--runs, --episodes")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs all learners many times.

    Returns the mean returns of the last 100 episodes, and the last probability of right.
    """
    import numpy as np
    from gymnasium.wrappers import TimeLimit

    from envs.short_corridor import ShortCorridor
    from experiments.common import tabular as shared
    from lab.agents.tabular import LinearReinforce

    features = np.broadcast_to(np.eye(2), (4, 2, 2))
    initial = [0.0, np.log(config.start / (1 - config.start))]
    env = TimeLimit(ShortCorridor(), config.limit)
    methods: dict[str, dict[str, Any]] = {f"alpha = 2^{power}": {"step_size": 2.0**power} for power in config.powers}
    methods["with baseline"] = {
        "step_size": 2.0**config.baseline_power,
        "baseline_step_size": 2.0**config.baseline_own_power,
        "baseline": np.ones((4, 1)),
    }

    def learners(options):
        """Repetitions of the return of each episode, and of the last probability of right."""

        def compute(seed):
            agent = LinearReinforce(features, initial=initial, **options)
            returns = shared.run_episodes(agent, env, config.episodes, seed=seed)[0]
            return {"returns": returns, "right": agent.policy(0)[1]}

        return shared.Repetitions(config.runs, compute, {"returns": (config.episodes,), "right": ()})

    found = shared.repeat(track, {name: learners(options) for name, options in methods.items()})
    curves = {name: results["returns"] for name, results in found.items()}
    figure, axes = shared.new_figure()
    best = -2 * (3 + 2 * 2**0.5)
    axes.axhline(best, color="k", linestyle="--", linewidth=0.8, label=f"best stochastic policy: {best:.2f}")
    title = f"REINFORCE in the short corridor, mean of {config.runs} runs and 95 % interval"
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="return of an episode", ylim=(-90, -10), title=title)
    shared.save_figure(track, figure, "corridor.png")
    keys = {name: name.replace(" ", "_").replace("=", "").replace("^", "") for name in curves}
    for episode in range(config.episodes):
        track.log({keys[name]: rows[:, episode].mean() for name, rows in curves.items()}, episode + 1)
    without = curves[f"alpha = 2^{config.powers[min(1, len(config.powers) - 1)]}"]
    return {
        "baseline_return": float(curves["with baseline"][:, -100:].mean()),
        "reinforce_return": float(without[:, -100:].mean()),
        "right_with_baseline": float(found["with baseline"]["right"].mean()),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 20, "powers": (-13,)})
