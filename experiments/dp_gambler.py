"""The gambler's problem: value iteration sweep by sweep, and all optimal stakes.

Expected: value_of_50 >= 0.4 (the probability of heads; 0.16 at 25 and 0.64 at 75)
Time: seconds
Source: Sutton and Barto 2018, figure 4.3.

The lower picture shows all stakes with a value within 1e-9 of the optimal value. The policy in the
book is the smallest of these stakes.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the problem and of the pictures."""

    heads: Annotated[float, Interval(0, 1)] = 0.4
    """Probability of winning a bet."""
    sweeps: Annotated[tuple[int, ...], Interval(1, 10**6)] = (1, 2, 3, 32)
    """The values are drawn after these numbers of sweeps."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.sweeps, "sweeps", "at least one", self.sweeps)


def run(config: Config, track: Track) -> dict[str, float]:
    """Runs value iteration. Returns the values of the capitals 25, 50 and 75."""
    import numpy as np

    from envs.gambler import Gambler
    from experiments.common import tabular as shared
    from lab.agents import tabular

    mdp = Gambler(config.heads).mdp
    figure, (upper, lower) = shared.new_figure(7, 7, nrows=2)
    values = np.zeros(101)
    for sweep in range(1, max(config.sweeps) + 1):
        values = tabular.optimality_operator(mdp, values)
        track.log({"value_of_50": values[50]}, sweep)
        if sweep in config.sweeps:
            upper.plot(np.arange(1, 100), values[1:-1], label=f"sweep {sweep}", linewidth=1.2)
    solution = tabular.value_iteration(mdp, tolerance=1e-10)
    upper.plot(np.arange(1, 100), solution.values[1:-1], "k--", label=f"best, sweep {solution.iterations}", linewidth=1)
    upper.set(xlabel="capital", ylabel="probability of reaching 100")
    upper.set_title(f"Gambler who wins a bet with probability {config.heads}: values in value iteration")
    upper.legend()
    q = tabular.action_values(mdp, solution.values)
    optimal = np.argwhere((q >= q.max(axis=1, keepdims=True) - 1e-9) & mdp.available)  # (capital, action)
    smallest = [optimal[optimal[:, 0] == capital, 1].min() + 1 for capital in range(1, 100)]
    lower.plot(optimal[:, 0], optimal[:, 1] + 1, ".", color="tab:blue", markersize=4, label="optimal stakes")
    lower.step(np.arange(1, 100), smallest, "k", where="mid", linewidth=0.8, label="smallest optimal stake")
    lower.set(xlabel="capital", ylabel="stake", title="stakes of the optimal policies")
    lower.legend()
    shared.save_figure(track, figure, "gambler.png")
    return {f"value_of_{capital}": float(solution.values[capital]) for capital in (50, 25, 75)}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"sweeps": (1, 2)})
