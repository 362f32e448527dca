"""Prediction on random walks: TD(0) against Monte Carlo, and n-step TD at several step sizes.

Expected: td_error <= 0.06 (after 100 episodes, alpha = 0.05; the book about 0.05; at first 0.236)
Time: 1.5 minutes
Source: Sutton and Barto 2018, example 6.2 with figure 6.2 (5 states) and figure 7.2 (19 states).

Errors are root mean squares (RMS) over the states. The first values are 0.5 with 5 states, and 0
with 19 states.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the methods that are compared."""

    runs: Annotated[int, Interval(1, 10**5)] = 100
    """Number of repetitions. The pictures show means with 95 % confidence intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 100
    """Episodes with 5 states."""
    td_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.05, 0.1, 0.15)
    """alpha of TD(0)."""
    monte_carlo_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.01, 0.02, 0.03, 0.04)
    """alpha of Monte Carlo."""
    n: Annotated[tuple[int, ...], Interval(1, 10**6)] = (1, 2, 4, 8, 16, 32, 64, 128)
    """n of n-step TD with 19 states; 10 episodes each."""
    n_step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    """alpha of n-step TD."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        for name in ("td_step_sizes", "monte_carlo_step_sizes", "n_step_sizes", "n"):
            validation.require(getattr(self, name), name, "at least one", getattr(self, name))

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        methods = len(self.td_step_sizes) + len(self.monte_carlo_step_sizes)
        curves = 8 * memory.CHECKPOINTED * methods * self.runs * self.episodes
        n_step_curves = 8 * memory.CHECKPOINTED * len(self.n) * len(self.n_step_sizes) * self.runs * 10
        return [
            memory.Need("curves", curves, "--runs, --episodes"),
            memory.Need("curves of n-step TD", n_step_curves, "--runs, --n, --n-step-sizes"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs all methods many times.

    Returns the RMS errors of TD(0) and Monte Carlo after the last episode, and the least mean RMS
    error of n-step TD over the first 10 episodes.
    """
    import gymnasium
    import numpy as np

    import envs  # noqa: F401
    from experiments.common import tabular as shared
    from lab.agents.tabular import TD, MonteCarlo

    def errors(environment, make, true, count):
        """Repetitions of the RMS error over the states after each episode, `[count]`."""
        env = gymnasium.make(environment, disable_env_checker=True)

        def compute(seed):
            agent = make()
            history: list[float] = []

            def measure(_):
                history.append(np.sqrt(np.mean((agent.v[1:-1] - true) ** 2)))

            shared.run_episodes(agent, env, count, seed=seed, on_episode=measure)
            return {"errors": history[:count]}

        return shared.Repetitions(config.runs, compute, {"errors": (count,)})

    true_5, policy_5 = np.arange(1, 6) / 6, np.ones((7, 1))
    true_19, policy_19 = (2 * np.arange(1, 20) - 20) / 20, np.ones((21, 1))
    methods = {f"TD(0), alpha {a}": lambda a=a: TD(policy_5, step_size=a, initial=0.5) for a in config.td_step_sizes} | {
        f"Monte Carlo, alpha {a}": lambda a=a: MonteCarlo(policy_5, every_visit=True, step_size=a, initial=0.5)
        for a in config.monte_carlo_step_sizes
    }
    plan = {name: errors("lab/RandomWalk5-v0", make, true_5, config.episodes) for name, make in methods.items()} | {
        f"n = {n}, alpha {a}": errors("lab/RandomWalk19-v0", lambda n=n, a=a: TD(policy_19, n=n, step_size=a), true_19, 10)
        for n in config.n
        for a in config.n_step_sizes
    }
    found = {name: results["errors"] for name, results in shared.repeat(track, plan).items()}
    curves = {name: found[name] for name in methods}
    figure, axes = shared.new_figure()
    shared.draw_curves(axes, curves, xlabel="episodes", ylabel="RMS error over the states")
    axes.set_title(f"Error of the learnt values: random walk of 5 states, {config.runs} runs")
    shared.save_figure(track, figure, "td_against_monte_carlo.png")
    first = curves[f"TD(0), alpha {config.td_step_sizes[0]}"].mean(axis=0)
    for episode, value in enumerate(first, 1):
        track.log({"td_error": value}, episode)

    figure, axes = shared.new_figure()
    best = np.inf
    for n in config.n:
        means = [found[f"n = {n}, alpha {a}"].mean(axis=1) for a in config.n_step_sizes]
        best = min(best, np.mean(means, axis=1).min())
        shared.draw_curves(axes, {f"n = {n}": np.transpose(means)}, x=config.n_step_sizes)
    axes.set(xlabel="step size alpha", ylabel="RMS error, mean of the first 10 episodes", ylim=(0.2, 0.6))
    axes.set_title(f"Error of n-step TD: random walk of 19 states, {config.runs} runs")
    shared.save_figure(track, figure, "n_step_td.png")
    monte_carlo = curves[f"Monte Carlo, alpha {config.monte_carlo_step_sizes[0]}"]
    return {
        "td_error": float(first[-1]),
        "monte_carlo_error": float(monte_carlo.mean(axis=0)[-1]),
        "best_n_step_error": float(best),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 5, "n": (1, 4), "n_step_sizes": (0.2, 0.4)})
