"""The windy gridworld of Sutton and Barto."""

from envs.grid import DIAGONALS, MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv

SHAPE = (7, 10)
START = (3, 0)
GOAL = (3, 7)
WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)  # cells upwards, by column


class WindyGridworld(TabularEnv):
    """Cross a wind that blows upwards.

    ## Description
    A grid of 7 by 10 cells. A move is shifted upwards by the wind of the column it starts from, 0 to 2 cells; what would leave the
    grid ends at its edge.

    ## Action space
    `Discrete(4)`: up, right, down, left; with `kings_moves` also the four diagonals, `Discrete(8)`.

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
    Mean return: random policy -6146.3, optimal -15; with king's moves random policy -2544.4, optimal -7.

    Args:
        kings_moves: whether diagonal moves are allowed.
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, kings_moves=False, **options):
        def follow(cell, move):
            return inside((cell[0] + move[0] - WIND[cell[1]], cell[1] + move[1]), SHAPE), -1.0

        moves = MOVES | DIAGONALS if kings_moves else MOVES
        super().__init__(grid_mdp(SHAPE, moves, follow, terminal=[GOAL], start=START), **options)
