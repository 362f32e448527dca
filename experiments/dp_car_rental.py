"""Jack's car rental: the policies of policy iteration, and the values of the best.

Expected: value_of_10_and_10 >= 574.9 (exact 574.95; 421.41 with no cars)
Time: seconds
Source: Sutton and Barto 2018, figure 4.2, from the policy that moves nothing.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """What is drawn."""

    improvements: Annotated[int, Interval(1, 10**4)] = 4
    """Improvements of the policy at most, each drawn."""

    def __post_init__(self):
        validation.check_fields(self)


def run(config, track):
    """Improves the policy that moves nothing. Returns values of two states, and the extreme moves."""
    import numpy as np

    from envs.car_rental import MOST_MOVED, CarRental
    from experiments.common import tabular as shared
    from lab.agents import tabular

    mdp = CarRental().mdp
    policy = np.full(mdp.num_states, MOST_MOVED)
    made, axes = shared.figure(4 * (config.improvements + 2), 4, ncols=config.improvements + 2)
    for improvement in range(config.improvements + 1):
        values = tabular.exact_evaluation(mdp, policy)
        moves = policy.reshape(21, 21) - MOST_MOVED
        picture = axes[improvement].imshow(moves, origin="lower", cmap="RdBu", vmin=-MOST_MOVED, vmax=MOST_MOVED)
        axes[improvement].set(title=f"policy {improvement}", xlabel="cars at the second location", ylabel="at the first")
        track.log({"value_of_10_and_10": values[220]}, improvement)
        if improvement < config.improvements:
            policy = tabular.greedy(mdp, values)
    made.colorbar(picture, ax=axes[config.improvements], label="cars moved overnight, first to second")
    shown = axes[-1].imshow(values.reshape(21, 21), origin="lower")
    axes[-1].set(title="value, dollars")
    made.colorbar(shown, ax=axes[-1])
    shared.save(track, made, "car_rental.png")
    return {
        "value_of_10_and_10": float(values[220]), "value_of_0_and_0": float(values[0]),
        "most_moved_to_first": float(-moves.min()), "most_moved_to_second": float(moves.max()),
    }  # fmt: skip


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"improvements": 1})
