"""The gambler's problem: value iteration, sweep by sweep, and the policies that are as good as the best.

Expected: value_of_50 >= 0.4 (for a coin that shows heads with probability 0.4; 0.16 at 25 and 0.64 at 75)
Time: seconds
Source: Sutton and Barto 2018, figure 4.3.

The lower picture shows all stakes whose value is within 1e-9 of the best: the book's saw-tooth is the smallest of them.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The coin, and what is drawn."""

    heads: Annotated[float, Interval(0, 1)] = 0.4
    """Probability of winning a bet."""
    sweeps: Annotated[tuple[int, ...], Interval(1, 10**6)] = (1, 2, 3, 32)
    """Numbers of sweeps after which the values are drawn."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.sweeps, "sweeps", "at least one", self.sweeps)


def run(config, track):
    """Iterates values. Returns those at 25, 50 and 75 dollars."""
    import numpy as np

    from envs.gambler import Gambler
    from experiments.common import tabular as shared
    from lab.agents import tabular

    mdp = Gambler(config.heads).mdp
    made, (upper, lower) = shared.figure(7, 7, nrows=2)
    values = np.zeros(101)
    for sweep in range(1, max(config.sweeps) + 1):
        values = tabular.optimality(mdp, values)
        track.log({"value_of_50": values[50]}, sweep)
        if sweep in config.sweeps:
            upper.plot(np.arange(1, 100), values[1:-1], label=f"sweep {sweep}", linewidth=1.2)
    solution = tabular.value_iteration(mdp, tolerance=1e-10)
    upper.plot(np.arange(1, 100), solution.values[1:-1], "k--", label=f"best, sweep {solution.iterations}", linewidth=1)
    upper.set(xlabel="capital", ylabel="probability of reaching 100")
    upper.legend()
    q = tabular.action_values(mdp, solution.values)
    good = np.argwhere((q >= q.max(axis=1, keepdims=True) - 1e-9) & mdp.available)
    lower.plot(good[:, 0], good[:, 1] + 1, ".", color="tab:blue", markersize=4, label="as good as the best")
    lower.step(np.arange(1, 100), [good[good[:, 0] == s, 1].min() + 1 for s in range(1, 100)], "k", where="mid", linewidth=0.8,
               label="the smallest")  # fmt: skip
    lower.set(xlabel="capital", ylabel="stake")
    lower.legend()
    shared.save(track, made, "gambler.png")
    return {f"value_of_{capital}": float(solution.values[capital]) for capital in (50, 25, 75)}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"sweeps": (1, 2)})
