"""The mazes on which Sutton and Barto show planning."""

from envs.grid import MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv

SHAPE, GOAL = (6, 9), (0, 8)


class DynaMaze(TabularEnv):
    """Find the way to the goal, in a maze that may change.

    ## Description
    A grid of 6 by 9 cells with walls; moves into a wall or off the grid change nothing. The maze "blocking" has its only gap on the
    right, until after `change_after` steps it is closed and one on the left opens; in "shortcut" the gap on the left stays, and a
    shorter way on the right opens.

    ## Action space
    `Discrete(4)`: up, right, down, left.

    ## Observation space
    `Discrete(54)`: the cells, row by row, walls among them.

    ## Starting state
    Row 2, column 0; in "blocking" and "shortcut" row 5, column 3.

    ## Reward
    1 for reaching the goal, 0 otherwise.

    ## Episode end
    Terminated at row 0, column 8.

    ## References
    Sutton & Barto (2018), examples 8.1 to 8.3. Discount 0.95.
    Mean discounted return: random policy 0.0014, optimal 0.5133 (14 steps); "blocking" random policy 0.0085, optimal 0.6302, later 0.4633;
    "shortcut" random policy 0.0014, optimal 0.4633, later 0.6302.

    Args:
        maze: "fixed", "blocking" or "shortcut".
        change_after: steps after which the maze changes, counted since the last `reset` with a seed; 1,000 for "blocking" and 3,000 for "shortcut".
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, maze="fixed", change_after=None, **options):
        low = [(3, column) for column in range(9)]
        mazes = {
            "fixed": ([(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)], None, None),
            "blocking": (low[:8], low[1:], 1_000),
            "shortcut": (low[1:], low[1:8], 3_000),
        }
        if maze not in mazes:
            raise ValueError(f"maze: expected one of {', '.join(mazes)}, received {maze!r}.")
        before, after, default = mazes[maze]
        if change_after is not None and (not isinstance(change_after, int) or change_after < 0):
            raise ValueError(f"change_after: expected an integer >= 0, received {change_after!r}.")
        start = (2, 0) if maze == "fixed" else (5, 3)
        self._before, self._after = _mdp(before, start), after and _mdp(after, start)
        self._change_after, self._count = default if change_after is None else change_after, 0
        super().__init__(self._before, **options)

    def reset(self, *, seed=None, options=None):
        """Starts an episode; with a seed, the maze is as it was at first."""
        if seed is not None:
            self._count = 0
            self.use(self._before)
        return super().reset(seed=seed, options=options)

    def step(self, action):
        """One step, in the maze as it is by now."""
        if self._after and self._count == self._change_after:
            self.use(self._after)
        self._count += 1
        return super().step(action)


def _mdp(walls, start):
    walls = set(walls)

    def follow(cell, move):
        reached = inside((cell[0] + move[0], cell[1] + move[1]), SHAPE)
        reached = cell if reached in walls else reached
        return reached, float(reached == GOAL)

    return grid_mdp(SHAPE, MOVES, follow, terminal=[GOAL], discount=0.95, start=start)
