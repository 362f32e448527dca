"""Jack's car rental: the policies of policy iteration, and the values of the last policy.

Expected: value_of_10_and_10 >= 574.9 (exact 574.95; 421.41 with no cars)
Time: seconds
Source: Sutton and Barto 2018, figure 4.2. The first policy moves no cars.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the pictures."""

    improvements: Annotated[int, Interval(1, 10**4)] = 4
    """Number of policy improvements. The policy after each is drawn."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def run(config: Config, track: Track) -> dict[str, float]:
    """Improves the policy that moves no cars.

    Returns the values of two states, and the greatest numbers of cars moved in both directions.
    """
    import numpy as np

    from envs.car_rental import MOST_MOVED, CarRental
    from experiments.common import tabular as shared
    from lab.agents import tabular

    mdp = CarRental().mdp
    policy = np.full(mdp.num_states, MOST_MOVED)
    figure, axes = shared.new_figure(4 * (config.improvements + 2), 4, ncols=config.improvements + 2)
    for improvement in range(config.improvements + 1):
        values = tabular.exact_evaluation(mdp, policy)
        moves = policy.reshape(21, 21) - MOST_MOVED
        moves_image = axes[improvement].imshow(moves, origin="lower", cmap="RdBu", vmin=-MOST_MOVED, vmax=MOST_MOVED)
        axes[improvement].set(title=f"policy {improvement}", xlabel="cars at the second location")
        axes[improvement].set(ylabel="cars at the first location", yticks=range(0, 21, 5))
        track.log({"value_of_10_and_10": values[220]}, improvement)
        if improvement < config.improvements:
            policy = tabular.greedy_policy(mdp, values)
    figure.colorbar(moves_image, ax=axes[config.improvements], label="cars moved, first to second location")
    values_image = axes[-1].imshow(values.reshape(21, 21), origin="lower")
    axes[-1].set(title="value of the last policy", xlabel="cars at the second location", ylabel="cars at the first location")
    axes[-1].set_yticks(range(0, 21, 5))
    figure.colorbar(values_image, ax=axes[-1], label="value, dollars")
    figure.suptitle("Car rental: cars moved overnight, by policies that policy iteration improves")
    shared.save_figure(track, figure, "car_rental.png")
    return {
        "value_of_10_and_10": float(values[220]),
        "value_of_0_and_0": float(values[0]),
        "most_moved_to_first": float(-moves.min()),
        "most_moved_to_second": float(moves.max()),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"improvements": 1})
