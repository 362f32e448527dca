"""Dynamic programming on the gridworlds of Sutton and Barto: values of the random policy and of the best one.

Expected: greatest_error <= 1e-8 (of the five methods, against the exact solution)
Time: seconds
Source: Sutton and Barto 2018, figures 3.2, 3.5 and 4.1.

The pictures: V of the random policy on the 4 by 4 gridworld after k sweeps, with the greedy policy, which is optimal long before the values
are right (figure 4.1); and V of the random and the best policy on the 5 by 5 gridworld.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """What is shown."""

    sweeps: Annotated[tuple[int, ...], Interval(0, 10**6)] = (0, 1, 2, 3, 10, 100)
    """Numbers of sweeps after which the values are drawn."""
    tolerance: Annotated[float, Interval(1e-12, 1e6)] = 1e-9
    """Bound on the error at which the methods stop."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.sweeps, "sweeps", "at least one", self.sweeps)


def run(config, track):
    """Solves both gridworlds by every method. Returns the greatest error, and the value of the best cell of the 5 by 5 one."""
    import numpy as np

    from envs.gridworld import Gridworld4x4, Gridworld5x5
    from experiments.common import tabular as shared
    from lab.agents import tabular

    small, large = Gridworld4x4().mdp, Gridworld5x5().mdp
    made, axes = shared.figure(3 * len(config.sweeps), 3.4, ncols=len(config.sweeps), squeeze=False)
    values = np.zeros(16)
    for sweep in range(max(config.sweeps) + 1):
        for place in np.flatnonzero(np.array(config.sweeps) == sweep):
            greedy = tabular.greedy(small, values)
            shared.draw_values(axes[0, place], small, values, greedy, title=f"after {sweep} sweeps")
        track.log({"value_of_corner": values[3]}, sweep)
        values = tabular.expectation(small, tabular.uniform(small), values)
    shared.save(track, made, "gridworld_4x4.png")

    made, axes = shared.figure(9, 4.5, ncols=2)
    best = tabular.policy_iteration(large)
    random = tabular.exact_evaluation(large, tabular.uniform(large))
    shared.draw_values(axes[0], large, random, title="random policy")
    shared.draw_values(axes[1], large, best.values, best.policy, title="best policy")
    shared.save(track, made, "gridworld_5x5.png")

    errors = []
    for mdp in (small, large):
        truth = tabular.policy_iteration(mdp).values
        for solve in (tabular.value_iteration, tabular.modified_policy_iteration, tabular.prioritized_sweeping):
            errors.append(np.abs(solve(mdp, tolerance=config.tolerance).values - truth).max())
        errors.append(np.abs(tabular.linear_programming(mdp).values - truth).max())
        in_place = tabular.iterative_evaluation(mdp, tabular.uniform(mdp), tolerance=config.tolerance, in_place=True)
        errors.append(np.abs(in_place.values - tabular.exact_evaluation(mdp, tabular.uniform(mdp))).max())
    return {"greatest_error": float(max(errors)), "best_cell": float(best.values.max())}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"sweeps": (0, 3)})
