"""Tile coding and semi-gradient SARSA(lambda) on MountainCar.

Expected: greedy_return >= -125 (random -200; steps until the goal, under the limit of 200)
Time: 2 minutes
Source: Sutton and Barto 2018, section 10.1, figures 10.1 (cost to go) and 10.2 (steps per episode over alpha), and 12.10 (lambda, replacing traces).

Deviation: the tilings are exact grids in place of hashed ones, and episodes stop after 200 steps as Gymnasium's do, which is bootstrapped; the
book's go on.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval

POINTS = 40  # of the drawn surface along each dimension


@dataclass(frozen=True)
class Config:
    """The learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 10
    """Repetitions of which the pictures show the mean, with 95 % intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 500
    """Episodes of each."""
    tilings: Annotated[int, Interval(1, 10**4)] = 8
    """Grids."""
    tiles: Annotated[int, Interval(1, 10**4)] = 8
    """Tiles of each grid along each dimension."""
    step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.1, 0.2, 0.5)
    """alpha times the number of tilings; the last is the one whose policy is evaluated."""
    decay: Annotated[float, Interval(0, 1)] = 0.9
    """lambda."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes of every run, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.step_sizes, "step_sizes", "at least one", self.step_sizes)

    def memory(self):
        """What the run holds."""
        return [
            memory.Need(
                "curves",
                8 * memory.CHECKPOINTED * len(self.step_sizes) * self.runs * (self.episodes + POINTS**2),
                "--runs, --episodes",
            ),
            memory.Need("weights", memory.array(self.tilings, (self.tiles + 1) ** 2, 3, item=24), "--tilings, --tiles"),
            memory.Need("environments", self.evaluation_episodes * (10_000 + 8 * self.tilings), "--evaluation-episodes"),
        ]


def run(config, track):
    """Learns many times over. Returns the mean return of the greedy policies, and that of the last training episodes."""
    import gymnasium
    import numpy as np
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from experiments.common import tabular as shared
    from lab.agents import evaluate
    from lab.agents.tabular import LinearSarsaLambda, TileCoded

    def make():
        return TileCoded(gymnasium.make("MountainCar-v0", disable_env_checker=True), tilings=config.tilings, tiles=config.tiles)

    env = make()
    tests = SyncVectorEnv([make] * config.evaluation_episodes, autoreset_mode=AutoresetMode.SAME_STEP)
    low, high = env.unwrapped.observation_space.low, env.unwrapped.observation_space.high
    place, speed = np.meshgrid(np.linspace(low[0], high[0], POINTS), np.linspace(low[1], high[1], POINTS))
    points = [env.observation(point) for point in np.stack([place.ravel(), speed.ravel()], axis=1)]

    def learners(alpha):
        """Repetitions: the steps of each episode, the return of the greedy policy, and the cost to go of what was learnt."""

        def learn(seed):
            agent = LinearSarsaLambda(env.features, 3, step_size=alpha, decay=config.decay)
            lengths = shared.episodes(agent, env, config.episodes, seed=seed)[1]
            score = evaluate(agent, tests, episodes=config.evaluation_episodes, seed=seed + 1).mean()
            return {"lengths": lengths, "score": score, "cost": [-agent.action_values(point).max() for point in points]}

        return shared.Repeated(config.runs, learn, {"lengths": (config.episodes,), "score": (), "cost": (len(points),)})

    found = shared.repeat(track, {f"alpha = {alpha} / {config.tilings}": learners(alpha) for alpha in config.step_sizes})
    curves = {name: findings["lengths"] for name, findings in found.items()}
    rows, scores, cost = found[f"alpha = {config.step_sizes[-1]} / {config.tilings}"].values()
    for episode in range(config.episodes):
        track.log({f"steps_{name.split()[2]}": rows[:, episode].mean() for name, rows in curves.items()}, episode + 1)
    made, axes = shared.figure()
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="steps per episode")
    shared.save(track, made, "learning.png")
    made, axes = shared.figure(6, 5, subplot_kw={"projection": "3d"})
    axes.plot_surface(place, speed, np.reshape(cost[-1], place.shape), cmap="viridis", linewidth=0)
    axes.set(xlabel="position", ylabel="velocity", zlabel="steps to go")
    shared.save(track, made, "cost_to_go.png")
    return {"greedy_return": float(np.mean(scores)), "training_return": -float(rows[:, -50:].mean())}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 1, "episodes": 5, "step_sizes": (0.5,), "evaluation_episodes": 5})
