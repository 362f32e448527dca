"""The windy gridworld of Sutton and Barto."""

from typing import Any

from envs.grid import DIAGONALS, MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv

SHAPE = (7, 10)
START = (3, 0)
GOAL = (3, 7)
WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)  # cells upwards, by column


class WindyGridworld(TabularEnv):
    """Cross a grid against a wind that blows upwards.

    ## Description
    A grid of 7 by 10 cells. The wind of the column in which a move starts shifts the move upwards
    by 0 to 2 cells. A move that would leave the grid ends at its edge.

    ## Action space
    `Discrete(4)`: up, right, down, left. With `kings_moves` `Discrete(8)`: also the diagonals.

    ## Observation space
    `Discrete(70)`: the cells, row by row.

    ## Starting state
    Row 3, column 0.

    ## Reward
    -1 for each step.

    ## Episode end
    Terminated at row 3, column 7.

    ## References
    Sutton & Barto (2018), example 6.5 and exercise 6.9. Discount 1.
    Mean return: random policy -6146.3, optimal -15.
    With king's moves: random policy -2544.4, optimal -7.

    Args:
        kings_moves: whether diagonal moves are available.
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, kings_moves: bool = False, **options: Any) -> None:
        def outcome(cell, move):
            return inside((cell[0] + move[0] - WIND[cell[1]], cell[1] + move[1]), SHAPE), -1.0

        moves = MOVES | DIAGONALS if kings_moves else MOVES
        super().__init__(grid_mdp(SHAPE, moves, outcome, terminal=[GOAL], start=START), **options)
