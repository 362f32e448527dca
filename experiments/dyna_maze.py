"""Dyna-Q in mazes: planning saves experience, and Dyna-Q+ finds out what has changed.

Expected: steps_with_50 <= 20 (per episode, with 50 planning steps; optimum 14; random about 800)
Time: 2 minutes
Source: Sutton and Barto 2018, figures 8.2, 8.4 (blocking maze) and 8.5 (shortcut maze).

Figure 8.2 has alpha 0.1, epsilon 0.1 and gamma 0.95. Steps are means from the third episode on.
Dyna-Q+ adds a bonus to the rewards of actions that have not been tried for a long time.
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

    runs: Annotated[int, Interval(1, 10**5)] = 30
    """Number of repetitions. The pictures show means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(4, 10**7)] = 50
    """Episodes in the maze that does not change."""
    planning: Annotated[tuple[int, ...], Interval(0, 10**5)] = (0, 5, 50)
    """Planning steps after each real step, in that maze."""
    changing_runs: Annotated[int, Interval(1, 10**5)] = 10
    """Repetitions in the mazes that change."""
    steps: Annotated[int, Interval(1, 10**7)] = 3_000
    """Steps in the blocking maze, which changes after a third of them. The shortcut maze has twice
    as many and changes after half of them."""
    changing_planning: Annotated[int, Interval(1, 10**5)] = 10
    """Planning steps in the mazes that change."""
    changing_step_size: Annotated[float, Interval(1e-6, 1)] = 0.7
    """alpha in the mazes that change."""
    bonus: Annotated[float, Interval(0, 1e6)] = 1e-3
    """kappa of Dyna-Q+."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.planning, "planning", "at least one", self.planning)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        curves = 8 * memory.CHECKPOINTED * len(self.planning) * self.runs * self.episodes
        rewards = 6 * 8 * memory.CHECKPOINTED * self.changing_runs * self.steps
        return [
            memory.Need("curves", curves, "--runs, --episodes"),
            memory.Need("rewards", rewards, "--changing-runs, --steps"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs all learners many times.

    Returns the mean steps per episode for each number of planning steps, and the rewards collected
    in the changing mazes by Dyna-Q and Dyna-Q+.
    """
    import numpy as np

    from envs.dyna_maze import DynaMaze
    from experiments.common import tabular as shared
    from lab.agents.tabular import DynaQ, TabularRollout

    options = {"discount": 0.95, "epsilon": 0.1}

    def learners(planning):
        """Repetitions of the lengths of the episodes, in steps `[episodes]`."""

        def compute(seed):
            agent = DynaQ(54, 4, step_size=0.1, planning=planning, **options)
            return {"lengths": shared.run_episodes(agent, DynaMaze(), config.episodes, seed=seed)[1]}

        return shared.Repetitions(config.runs, compute, {"lengths": (config.episodes,)})

    def changing(maze, steps, change_after, bonus):
        """Repetitions of the sum of rewards after each step in a maze that changes, `[steps]`."""

        def compute(seed):
            step_size, planning = config.changing_step_size, config.changing_planning
            agent = DynaQ(54, 4, step_size=step_size, planning=planning, bonus=bonus, **options)
            rollout = TabularRollout(agent, DynaMaze(maze, change_after=change_after), seed=seed)
            rollout.reset(0)
            return {"collected": np.cumsum([rollout.run(1, True).episode_returns.sum() for _ in range(steps)])}

        return shared.Repetitions(config.changing_runs, compute, {"collected": (steps,)})

    mazes = {"blocking": (config.steps, config.steps // 3), "shortcut": (2 * config.steps, config.steps)}
    bonuses = {"Dyna-Q": 0.0, "Dyna-Q+": config.bonus}
    plan = {f"{planning} planning steps": learners(planning) for planning in config.planning} | {
        f"{maze}, {method}": changing(maze, *mazes[maze], bonus) for maze in mazes for method, bonus in bonuses.items()
    }
    found = shared.repeat(track, plan)
    curves = {f"{planning} planning steps": found[f"{planning} planning steps"]["lengths"] for planning in config.planning}
    figure, axes = shared.new_figure(14, 4, ncols=3)
    later = {name: rows[:, 1:] for name, rows in curves.items()}  # all need equally long for the first episode
    numbers = np.arange(2, config.episodes + 1)
    labels = {
        "xlabel": "episodes",
        "ylabel": "steps per episode",
        "title": "fixed maze: more planning, fewer steps",
        "ylim": (0, 800),
    }
    shared.draw_curves(axes[0], later, x=numbers, **labels)
    results = {
        f"steps_with_{planning}": float(curves[f"{planning} planning steps"][:, 2:].mean()) for planning in config.planning
    }
    for episode in range(config.episodes):
        track.log({name.replace(" ", "_"): rows[:, episode].mean() for name, rows in curves.items()}, episode + 1)

    for axis, (maze, (_, change_after)) in zip(axes[1:], mazes.items(), strict=True):
        collected = {method: found[f"{maze}, {method}"]["collected"] for method in bonuses}
        for method, rows in collected.items():
            results[f"{maze}_{method.lower().replace('-', '_').replace('+', '_plus')}"] = float(rows[:, -1].mean())
        axis.axvline(change_after, color="k", linestyle=":", linewidth=1, label="the maze changes")
        meaning = {"blocking": "the short way is blocked", "shortcut": "a shorter way opens"}[maze]
        shared.draw_curves(axis, collected, xlabel="steps", ylabel="rewards so far", title=f"{maze} maze: {meaning}")
    figure.suptitle("Dyna-Q plans with a learnt model; Dyna-Q+ also tries again what it has not tried for long")
    shared.save_figure(track, figure, "dyna.png")
    return results


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 5, "changing_runs": 1, "steps": 300, "planning": (0, 5)})
