"""The two gridworlds of Sutton and Barto."""

from typing import Any

from envs.grid import MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv


class Gridworld4x4(TabularEnv):
    """Reach one of two corners; each step costs 1.

    ## Description
    A grid of 4 by 4 cells. Two opposite corners are exits. A move off the grid changes nothing.

    ## Action space
    `Discrete(4)`: up, right, down, left.

    ## Observation space
    `Discrete(16)`: the cells, row by row; 0 and 15 are the exits.

    ## Starting state
    Any cell that is not an exit, with equal probability.

    ## Reward
    -1 for each step.

    ## Episode end
    Terminated at an exit.

    ## References
    Sutton & Barto (2018), example 4.1. Discount 1.
    Mean return: random policy -18.2857, optimal -2.

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        shape = (4, 4)

        def outcome(cell, move):
            return inside((cell[0] + move[0], cell[1] + move[1]), shape), -1.0

        super().__init__(grid_mdp(shape, MOVES, outcome, terminal=[(0, 0), (3, 3)]), **options)


class Gridworld5x5(TabularEnv):
    """Find the two cells with a positive reward.

    ## Description
    A grid of 5 by 5 cells without a terminal state. Cells are (row, column).
    In cell A, (0, 1), every action leads to (4, 1) with the reward 10.
    In cell B, (0, 3), every action leads to (2, 3) with the reward 5.

    ## Action space
    `Discrete(4)`: up, right, down, left.

    ## Observation space
    `Discrete(25)`: the cells, row by row.

    ## Starting state
    Any cell, with equal probability.

    ## Reward
    10 in A, 5 in B, -1 for a move off the grid (which changes nothing), 0 otherwise.

    ## Episode end
    Never terminated. Truncated after 200 steps, by the wrapper.

    ## References
    Sutton & Barto (2018), examples 3.5 and 3.8. Discount 0.9.
    Mean discounted return, never truncated: random policy 0.9045, optimal 17.3286.

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        shape = (5, 5)
        jumps = {(0, 1): ((4, 1), 10.0), (0, 3): ((2, 3), 5.0)}

        def outcome(cell, move):
            if cell in jumps:
                return jumps[cell]
            wanted = cell[0] + move[0], cell[1] + move[1]
            reached = inside(wanted, shape)
            return reached, 0.0 if reached == wanted else -1.0

        super().__init__(grid_mdp(shape, MOVES, outcome, discount=0.9), **options)
