"""Prediction on random walks: TD(0) against Monte Carlo, and n-step TD over its step size.

Expected: td_error <= 0.06 (RMS over 5 states after 100 episodes at alpha = 0.05; in the book about 0.05; at the start 0.236)
Time: 1.5 minutes
Source: Sutton and Barto 2018, example 6.2 with figure 6.2 (5 states, all values 0.5 at first) and figure 7.2 (19 states, all 0 at first).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """What is compared."""

    runs: Annotated[int, Interval(1, 10**5)] = 100
    """Repetitions of which the pictures show the mean, with 95 % intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 100
    """Episodes on 5 states."""
    td_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.05, 0.1, 0.15)
    """alpha of TD(0)."""
    monte_carlo_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.01, 0.02, 0.03, 0.04)
    """alpha of Monte Carlo."""
    n: Annotated[tuple[int, ...], Interval(1, 10**6)] = (1, 2, 4, 8, 16, 32, 64, 128)
    """Steps of n-step TD on 19 states, 10 episodes."""
    n_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    """alpha of n-step TD."""

    def __post_init__(self):
        validation.check_fields(self)
        for name in ("td_step_sizes", "monte_carlo_step_sizes", "n_step_sizes", "n"):
            validation.require(getattr(self, name), name, "at least one", getattr(self, name))

    def memory(self):
        """What the run holds."""
        return [
            memory.Need(
                "curves",
                8
                * memory.CHECKPOINTED
                * (len(self.td_step_sizes) + len(self.monte_carlo_step_sizes))
                * self.runs
                * self.episodes,
                "--runs, --episodes",
            ),
            memory.Need(
                "curves of n-step TD",
                8 * memory.CHECKPOINTED * len(self.n) * len(self.n_step_sizes) * self.runs * 10,
                "--runs, --n, --n-step-sizes",
            ),
        ]


def run(config, track):
    """Learns many times over. Returns the RMS errors after the last episode and the best of n-step TD over the first 10."""
    import gymnasium
    import numpy as np

    import envs  # noqa: F401
    from experiments.common import tabular as shared
    from lab.agents.tabular import TD, MonteCarlo

    def errors(name, make, true, count):
        """Repetitions of the RMS error over the states after each episode, [count]."""
        env = gymnasium.make(name, disable_env_checker=True)

        def learn(seed):
            agent, history = make(), list[float]()
            shared.episodes(
                agent, env, count, seed=seed, each=lambda _: history.append(np.sqrt(np.mean((agent.v[1:-1] - true) ** 2)))
            )
            return {"errors": history[:count]}

        return shared.Repeated(config.runs, learn, {"errors": (count,)})

    five, walk = np.arange(1, 6) / 6, np.ones((7, 1))
    methods = {f"TD(0), alpha {a}": lambda a=a: TD(walk, step_size=a, initial=0.5) for a in config.td_step_sizes} | {
        f"Monte Carlo, alpha {a}": lambda a=a: MonteCarlo(walk, every_visit=True, step_size=a, initial=0.5)
        for a in config.monte_carlo_step_sizes
    }
    nineteen, long = (2 * np.arange(1, 20) - 20) / 20, np.ones((21, 1))
    plan = {name: errors("lab/RandomWalk5-v0", make, five, config.episodes) for name, make in methods.items()} | {
        f"n = {n}, alpha {a}": errors("lab/RandomWalk19-v0", lambda n=n, a=a: TD(long, n=n, step_size=a), nineteen, 10)
        for n in config.n
        for a in config.n_step_sizes
    }
    found = {name: findings["errors"] for name, findings in shared.repeat(track, plan).items()}
    curves = {name: found[name] for name in methods}
    made, axes = shared.figure()
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="RMS error over the states", title="random walk of 5 states")
    shared.save(track, made, "td_against_monte_carlo.png")
    first = curves[f"TD(0), alpha {config.td_step_sizes[0]}"].mean(axis=0)
    for episode, value in enumerate(first, 1):
        track.log({"td_error": value}, episode)

    made, axes = shared.figure()
    best = np.inf
    for n in config.n:
        means = [found[f"n = {n}, alpha {a}"].mean(axis=1) for a in config.n_step_sizes]
        best = min(best, np.mean(means, axis=1).min())
        shared.draw_curves(axes, {f"n = {n}": np.transpose(means)}, x=config.n_step_sizes)
    axes.set(xlabel="alpha", ylabel="RMS error, mean of the first 10 episodes", ylim=(0.2, 0.6), title="n-step TD, 19 states")
    shared.save(track, made, "n_step_td.png")
    last = config.monte_carlo_step_sizes[0]
    return {
        "td_error": float(first[-1]),
        "monte_carlo_error": float(curves[f"Monte Carlo, alpha {last}"].mean(axis=0)[-1]),
        "best_n_step_error": float(best),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 5, "n": (1, 4), "n_step_sizes": (0.2, 0.4)})
