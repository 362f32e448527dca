"""Tile coding and semi-gradient SARSA(lambda) on MountainCar.

Expected: greedy_return >= -125 (minus the steps to the goal, at most 200; random -200)
Time: 2 minutes
Source: Sutton and Barto 2018, section 10.1, figures 10.1 (cost to go), 10.2 (alpha), 12.10
(lambda).

Differences from the book: the tilings are not hashed. Episodes are truncated after 200 steps, with
a bootstrapped update, as Gymnasium's are; in the book they continue.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

POINTS = 40  # points of the drawn surface along each dimension


@dataclass(frozen=True)
class Config:
    """Settings of the learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 10
    """Number of repetitions. The pictures show means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 500
    """Episodes of each repetition."""
    tilings: Annotated[int, Interval(1, 10**4)] = 8
    """Number of grids of the tile coding."""
    tiles: Annotated[int, Interval(1, 10**4)] = 8
    """Tiles of each grid along each dimension."""
    step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.1, 0.2, 0.5)
    """alpha times the number of tilings. The policies of the last one are evaluated."""
    trace_decay: Annotated[float, Interval(0, 1)] = 0.9
    """lambda."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes of each repetition in new environments, whose mean return is the result."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.step_sizes, "step_sizes", "at least one", self.step_sizes)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        curves = 8 * memory.CHECKPOINTED * len(self.step_sizes) * self.runs * (self.episodes + POINTS**2)
        return [
            memory.Need("curves", curves, "--runs, --episodes"),
            memory.Need("weights", memory.array(self.tilings, (self.tiles + 1) ** 2, 3, item=24), "--tilings, --tiles"),
            memory.Need("environments", self.evaluation_episodes * (10_000 + 8 * self.tilings), "--evaluation-episodes"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs the learner many times with each step size.

    Returns the mean return of the greedy policies, and that of the last 50 training episodes.
    """
    import gymnasium
    import numpy as np
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from experiments.common import tabular as shared
    from lab.agents import evaluate
    from lab.agents.tabular import LinearSarsaLambda, TileCoded

    def make():
        env = gymnasium.make("MountainCar-v0", disable_env_checker=True)
        return TileCoded(env, tilings=config.tilings, tiles=config.tiles)

    env = make()
    tests = SyncVectorEnv([make] * config.evaluation_episodes, autoreset_mode=AutoresetMode.SAME_STEP)
    low, high = env.unwrapped.observation_space.low, env.unwrapped.observation_space.high
    position, velocity = np.meshgrid(np.linspace(low[0], high[0], POINTS), np.linspace(low[1], high[1], POINTS))
    points = [env.observation(point) for point in np.stack([position.ravel(), velocity.ravel()], axis=1)]

    def learners(alpha):
        """Repetitions of episode lengths, the return of the greedy policy, and the cost to go."""

        def compute(seed):
            agent = LinearSarsaLambda(env.features, 3, step_size=alpha, trace_decay=config.trace_decay)
            lengths = shared.run_episodes(agent, env, config.episodes, seed=seed)[1]
            score = evaluate(agent, tests, episodes=config.evaluation_episodes, seed=seed + 1).mean()
            cost = [-agent.action_values(point).max() for point in points]
            return {"lengths": lengths, "score": score, "cost": cost}

        shapes = {"lengths": (config.episodes,), "score": (), "cost": (len(points),)}
        return shared.Repetitions(config.runs, compute, shapes)

    found = shared.repeat(track, {f"alpha = {alpha} / {config.tilings}": learners(alpha) for alpha in config.step_sizes})
    curves = {name: results["lengths"] for name, results in found.items()}
    lengths, scores, cost = found[f"alpha = {config.step_sizes[-1]} / {config.tilings}"].values()
    for episode in range(config.episodes):
        track.log({f"steps_{name.split()[2]}": rows[:, episode].mean() for name, rows in curves.items()}, episode + 1)
    figure, axes = shared.new_figure()
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="steps per episode")
    axes.set_title("Mountain car: steps to the goal while learning, for each step size")
    shared.save_figure(track, figure, "learning.png")
    figure, axes = shared.new_figure(6, 5, subplot_kw={"projection": "3d"})
    axes.plot_surface(position, velocity, np.reshape(cost[-1], position.shape), cmap="viridis", linewidth=0)
    axes.set(xlabel="position", ylabel="velocity", zlabel="steps to the goal")
    axes.set_title(f"Mountain car: learnt steps to the goal, after {config.episodes} episodes")
    shared.save_figure(track, figure, "cost_to_go.png")
    return {"greedy_return": float(np.mean(scores)), "training_return": -float(lengths[:, -50:].mean())}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 1, "episodes": 5, "step_sizes": (0.5,), "evaluation_episodes": 5})
