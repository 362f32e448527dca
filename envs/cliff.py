"""The cliff of Sutton and Barto. An episode continues after a fall."""

from typing import Any

from envs.grid import MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv

SHAPE = (4, 12)
START = (3, 0)
GOAL = (3, 11)


class Cliff(TabularEnv):
    """Walk along a cliff without falling.

    ## Description
    A grid of 4 by 12 cells. The lowest row, without its two ends, is a cliff. A step into the
    cliff leads back to the start. Gymnasium's CliffWalking-v1 is the same problem; here the cells
    of the cliff are not states.

    ## Action space
    `Discrete(4)`: up, right, down, left.

    ## Observation space
    `Discrete(38)`: the cells outside the cliff, row by row.

    ## Starting state
    Row 3, column 0.

    ## Reward
    -100 for a step into the cliff, -1 for every other step.

    ## Episode end
    Terminated at row 3, column 11.

    ## References
    Sutton & Barto (2018), example 6.6. Discount 1.
    Mean return: random policy -65375.1, optimal -13.

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        cliff = [(3, column) for column in range(1, 11)]

        def outcome(cell, move):
            reached = inside((cell[0] + move[0], cell[1] + move[1]), SHAPE)
            return (START, -100.0) if reached in cliff else (reached, -1.0)

        super().__init__(grid_mdp(SHAPE, MOVES, outcome, terminal=[GOAL], walls=cliff, start=START), **options)
