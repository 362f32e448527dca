"""The mazes on which Sutton and Barto compare Dyna-Q and Dyna-Q+."""

from typing import Any

from envs.grid import MOVES, grid_mdp, inside
from envs.tabular_env import TabularEnv

SHAPE = (6, 9)
GOAL = (0, 8)


class DynaMaze(TabularEnv):
    """Find the way to the goal in a maze that may change.

    ## Description
    A grid of 6 by 9 cells with walls. A move into a wall or off the grid changes nothing.
    The maze "fixed" never changes.
    In "blocking" the wall has one gap, on the right. After `change_after` steps this gap closes
    and a gap on the left opens.
    In "shortcut" the wall has one gap, on the left. After `change_after` steps a second gap opens
    on the right, which makes a shorter way.

    ## Action space
    `Discrete(4)`: up, right, down, left.

    ## Observation space
    `Discrete(54)`: the cells, row by row, including the walls.

    ## Starting state
    Row 2, column 0 in "fixed"; row 5, column 3 in "blocking" and "shortcut".

    ## Reward
    1 for the step that reaches the goal, 0 otherwise.

    ## Episode end
    Terminated at row 0, column 8.

    ## References
    Sutton & Barto (2018), examples 8.1 to 8.3. Discount 0.95.
    Mean discounted return: random policy 0.0014, optimal 0.5133 (14 steps).
    "blocking": random policy 0.0085, optimal 0.6302, after the change 0.4633.
    "shortcut": random policy 0.0014, optimal 0.4633, after the change 0.6302.

    Args:
        maze: "fixed", "blocking" or "shortcut".
        change_after: steps after which the maze changes, counted from the last `reset` with a
            seed. The default is 1,000 for "blocking" and 3,000 for "shortcut".
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, maze: str = "fixed", change_after: int | None = None, **options: Any) -> None:
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
        self._before = _mdp(before, start)
        self._after = after and _mdp(after, start)
        self._change_after = default if change_after is None else change_after
        self._count = 0
        super().__init__(self._before, **options)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Starts an episode. With a seed, the maze is again as it was before its change."""
        if seed is not None:
            self._count = 0
            self.set_mdp(self._before)
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """One step in the maze as it is now."""
        if self._after and self._count == self._change_after:
            self.set_mdp(self._after)
        self._count += 1
        return super().step(action)


def _mdp(walls, start):
    walls = set(walls)

    def outcome(cell, move):
        reached = inside((cell[0] + move[0], cell[1] + move[1]), SHAPE)
        reached = cell if reached in walls else reached
        return reached, float(reached == GOAL)

    return grid_mdp(SHAPE, MOVES, outcome, terminal=[GOAL], discount=0.95, start=start)
