"""Dynamic programming on two gridworlds: values of the random and of the optimal policy.

Expected: greatest_error <= 1e-8 (of the five methods, against the exact solution)
Time: seconds
Source: Sutton and Barto 2018, figures 3.2, 3.5 and 4.1.

The first picture shows V of the random policy on the 4 by 4 gridworld after k sweeps, with the
greedy policy (figure 4.1). The greedy policy is optimal long before the values are exact.
The second picture shows V of the random and of the optimal policy on the 5 by 5 gridworld.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the methods and of the pictures."""

    sweeps: Annotated[tuple[int, ...], Interval(0, 10**6)] = (0, 1, 2, 3, 10, 100)
    """The values are drawn after these numbers of sweeps."""
    tolerance: Annotated[float, Interval(1e-12, 1e6)] = 1e-9
    """The methods stop when the bound on their error is at most this."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.sweeps, "sweeps", "at least one", self.sweeps)


def run(config: Config, track: Track) -> dict[str, float]:
    """Solves both gridworlds by all methods.

    Returns the greatest error of a value, and the greatest value of the 5 by 5 gridworld.
    """
    import numpy as np

    from envs.gridworld import Gridworld4x4, Gridworld5x5
    from experiments.common import tabular as shared
    from experiments.common.value_maps import draw_values
    from lab.agents import tabular

    small, large = Gridworld4x4().mdp, Gridworld5x5().mdp
    drawn, values = {}, np.zeros(16)
    for sweep in range(max(config.sweeps) + 1):
        drawn[sweep] = values
        track.log({"value_of_corner": values[3]}, sweep)
        values = tabular.expectation_operator(small, tabular.uniform_policy(small), values)
    figure, axes = shared.new_figure(3.6 * len(config.sweeps), 3.6, ncols=len(config.sweeps), squeeze=False)
    limits = (min(drawn[sweep].min() for sweep in config.sweeps), 0.0)
    for axis, sweep in zip(axes[0], config.sweeps, strict=True):
        greedy = tabular.greedy_policy(small, drawn[sweep])
        draw_values(axis, small, drawn[sweep], greedy, title=f"after {sweep} sweeps", limits=limits)
    figure.suptitle("Value of the random policy; arrows: the policy that is greedy for it")
    shared.save_figure(track, figure, "gridworld_4x4.png")

    figure, axes = shared.new_figure(11, 4.8, ncols=2)
    marks = {"A reward 10, then to the lowest row": [(0, 1)], "B reward 5, then to the middle row": [(0, 3)]}
    best = tabular.policy_iteration(large)
    random = tabular.exact_evaluation(large, tabular.uniform_policy(large))
    draw_values(axes[0], large, random, title="value of the random policy", marks=marks)
    draw_values(axes[1], large, best.values, best.policy, title="value of the best policy", marks=marks)
    shared.save_figure(track, figure, "gridworld_5x5.png")

    errors = []
    for mdp in (small, large):
        exact = tabular.policy_iteration(mdp).values
        for solve in (tabular.value_iteration, tabular.modified_policy_iteration, tabular.prioritized_sweeping):
            errors.append(np.abs(solve(mdp, tolerance=config.tolerance).values - exact).max())
        errors.append(np.abs(tabular.linear_programming(mdp).values - exact).max())
        in_place = tabular.iterative_evaluation(mdp, tabular.uniform_policy(mdp), tolerance=config.tolerance, in_place=True)
        errors.append(np.abs(in_place.values - tabular.exact_evaluation(mdp, tabular.uniform_policy(mdp))).max())
    return {"greatest_error": float(max(errors)), "best_cell": float(best.values.max())}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"sweeps": (0, 3)})
