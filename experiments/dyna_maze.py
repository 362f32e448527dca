"""Dyna: planning with what has been learnt saves experience, and a bonus for what was not tried lately finds out what has changed.

Expected: steps_with_50 <= 20 (per episode from the third on, with 50 planning steps; the shortest way is 14; random about 800)
Time: 2 minutes
Source: Sutton and Barto 2018, figures 8.2 (alpha 0.1, epsilon 0.1, gamma 0.95), 8.4 (blocking maze) and 8.5 (shortcut maze).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 30
    """Repetitions of which the pictures show the mean, with 95 % intervals."""
    episodes: Annotated[int, Interval(4, 10**7)] = 50
    """Episodes in the maze that does not change."""
    planning: Annotated[tuple[int, ...], Interval(0, 10**5)] = (0, 5, 50)
    """Planning steps after each real one, in that maze."""
    changing_runs: Annotated[int, Interval(1, 10**5)] = 10
    """Repetitions in the mazes that change."""
    steps: Annotated[int, Interval(1, 10**7)] = 3_000
    """Steps in the blocking maze, which changes after a third of them; the shortcut maze takes twice as many and changes after half."""
    changing_planning: Annotated[int, Interval(1, 10**5)] = 10
    """Planning steps in the mazes that change."""
    changing_step_size: Annotated[float, Interval(1e-6, 1)] = 0.7
    """alpha in the mazes that change."""
    bonus: Annotated[float, Interval(0, 1e6)] = 1e-3
    """kappa of Dyna-Q+."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.planning, "planning", "at least one", self.planning)

    def memory(self):
        """What the run holds."""
        return [
            memory.Need(
                "curves", 8 * memory.CHECKPOINTED * len(self.planning) * self.runs * self.episodes, "--runs, --episodes"
            ),
            memory.Need("rewards", 6 * 8 * memory.CHECKPOINTED * self.changing_runs * self.steps, "--changing-runs, --steps"),
        ]


def run(config, track):
    """Learns many times over. Returns steps per episode, and the rewards collected in the changing mazes with and without the bonus."""
    import numpy as np

    from envs.dyna_maze import DynaMaze
    from experiments.common import tabular as shared
    from lab.agents.tabular import DynaQ, TabularRollout

    options = {"discount": 0.95, "epsilon": 0.1}

    def learners(planning):
        """Repetitions of the steps of each episode."""

        def learn(seed):
            agent = DynaQ(54, 4, step_size=0.1, planning=planning, **options)
            return {"lengths": shared.episodes(agent, DynaMaze(), config.episodes, seed=seed)[1]}

        return shared.Repeated(config.runs, learn, {"lengths": (config.episodes,)})

    def explorers(maze, steps, change, bonus):
        """Repetitions of the rewards so far after each step in a maze that changes."""

        def learn(seed):
            agent = DynaQ(54, 4, step_size=config.changing_step_size, planning=config.changing_planning, bonus=bonus, **options)
            rollout = TabularRollout(agent, DynaMaze(maze, change_after=change), seed=seed)
            rollout.reset(0)
            return {"collected": np.cumsum([rollout.run(1, True).episode_returns.sum() for _ in range(steps)])}

        return shared.Repeated(config.changing_runs, learn, {"collected": (steps,)})

    mazes = {"blocking": (config.steps, config.steps // 3), "shortcut": (2 * config.steps, config.steps)}
    kinds = {"Dyna-Q": 0.0, "Dyna-Q+": config.bonus}
    found = shared.repeat(
        track,
        {f"{planning} planning steps": learners(planning) for planning in config.planning}
        | {f"{maze}, {kind}": explorers(maze, *mazes[maze], kinds[kind]) for maze in mazes for kind in kinds},
    )
    curves = {f"{planning} planning steps": found[f"{planning} planning steps"]["lengths"] for planning in config.planning}
    made, axes = shared.figure(14, 4, ncols=3)
    rest = {name: rows[:, 1:] for name, rows in curves.items()}  # the first episode is the same for all
    shared.draw_curves(
        axes[0],
        rest,
        x=np.arange(2, config.episodes + 1),
        xlabel="episodes",
        ylabel="steps per episode",
        title="Dyna-Q",
        ylim=(0, 800),
    )
    results = {
        f"steps_with_{planning}": float(curves[f"{planning} planning steps"][:, 2:].mean()) for planning in config.planning
    }
    for episode in range(config.episodes):
        track.log({name.replace(" ", "_"): rows[:, episode].mean() for name, rows in curves.items()}, episode + 1)

    for axis, (maze, (_, change)) in zip(axes[1:], mazes.items(), strict=True):
        collected = {kind: found[f"{maze}, {kind}"]["collected"] for kind in kinds}
        for kind, rows in collected.items():
            results[f"{maze}_{kind.lower().replace('-', '_').replace('+', '_plus')}"] = float(rows[:, -1].mean())
        shared.draw_curves(axis, collected, xlabel="steps", ylabel="rewards so far", title=f"{maze} maze")
        axis.axvline(change, color="k", linestyle=":", linewidth=0.8)
    shared.save(track, made, "dyna.png")
    return results


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 5, "changing_runs": 1, "steps": 300, "planning": (0, 5)})
