"""REINFORCE on the short corridor, with and without a baseline: the best policy is random.

Expected: baseline_return >= -13 (of the last 100 episodes; -11.66 is the best, epsilon-greedy gets -44 or -82)
Time: 2 minutes
Source: Sutton and Barto 2018, example 13.1, figures 13.1 (alpha 2^-12 to 2^-14) and 13.2 (baseline: alpha 2^-9, its own 2^-6); 100 runs there.

All places look the same to the agent, which starts with right at probability 0.05. Deviation: episodes are stopped after `limit` steps.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 50
    """Repetitions of which the picture shows the mean, with 95 % intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 1_000
    """Episodes of each."""
    powers: Annotated[tuple[int, ...], Interval(-60, 0)] = (-12, -13, -14)
    """alpha without a baseline, as powers of 2."""
    baseline_power: Annotated[int, Interval(-60, 0)] = -9
    """alpha with a baseline, as a power of 2."""
    baseline_own_power: Annotated[int, Interval(-60, 0)] = -6
    """The baseline's own step size, as a power of 2."""
    start: Annotated[float, Interval(0.01, 0.99)] = 0.05
    """Probability of right at the start."""
    limit: Annotated[int, Interval(10, 10**7)] = 1_000
    """Steps after which an episode is stopped; a policy that has become deterministic would never end."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.powers, "powers", "at least one", self.powers)

    def memory(self):
        """What the run holds."""
        return [
            memory.Need(
                "curves", 8 * memory.CHECKPOINTED * (len(self.powers) + 1) * self.runs * self.episodes, "--runs, --episodes"
            )
        ]


def run(config, track):
    """Learns many times over. Returns the mean returns of the last episodes, and how likely right is in the end."""
    import numpy as np
    from gymnasium.wrappers import TimeLimit

    from envs.short_corridor import ShortCorridor
    from experiments.common import tabular as shared
    from lab.agents.tabular import LinearReinforce

    features = np.broadcast_to(np.eye(2), (4, 2, 2))
    initial = [0.0, np.log(config.start / (1 - config.start))]
    env = TimeLimit(ShortCorridor(), config.limit)
    methods = {f"alpha = 2^{power}": {"step_size": 2.0**power} for power in config.powers}
    methods["with baseline"] = {
        "step_size": 2.0**config.baseline_power, "baseline_step_size": 2.0**config.baseline_own_power, "baseline": np.ones((4, 1)),
    }  # fmt: skip

    def learners(options):
        """Repetitions: the return of each episode, and how likely right is in the end."""

        def learn(seed):
            agent = LinearReinforce(features, initial=initial, **options)
            returns = shared.episodes(agent, env, config.episodes, seed=seed)[0]
            return {"returns": returns, "right": agent.policy(0)[1]}

        return shared.Repeated(config.runs, learn, {"returns": (config.episodes,), "right": ()})

    found = shared.repeat(track, {name: learners(options) for name, options in methods.items()})
    curves = {name: findings["returns"] for name, findings in found.items()}
    made, axes = shared.figure()
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="return of an episode", ylim=(-90, -10))
    axes.axhline(-2 * (3 + 2 * 2**0.5), color="k", linestyle="--", linewidth=0.8)
    shared.save(track, made, "corridor.png")
    for episode in range(config.episodes):
        track.log(
            {
                name.replace(" ", "_").replace("=", "").replace("^", ""): rows[:, episode].mean()
                for name, rows in curves.items()
            },
            episode + 1,
        )
    best = curves[f"alpha = 2^{config.powers[min(1, len(config.powers) - 1)]}"]
    return {
        "baseline_return": float(curves["with baseline"][:, -100:].mean()), "reinforce_return": float(best[:, -100:].mean()),
        "right_with_baseline": float(found["with baseline"]["right"].mean()),
    }  # fmt: skip


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 20, "powers": (-13,)})
