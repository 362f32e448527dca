"""MDPs on a grid, built from a function that computes the outcome of a move."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from envs.tabular import TabularMDP

Cell = tuple[int, int]  # row, column
Move = tuple[int, int]  # rows down, columns to the right

MOVES: dict[str, Move] = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
DIAGONALS: dict[str, Move] = {"up right": (-1, 1), "down right": (1, 1), "down left": (1, -1), "up left": (-1, -1)}


def grid_mdp(
    shape: tuple[int, int],
    moves: Mapping[str, Move],
    outcome: Callable[[Cell, Move], tuple[Cell, float]],
    *,
    terminal: Collection[Cell] = (),
    walls: Collection[Cell] = (),
    discount: float = 1.0,
    start: Cell | None = None,
) -> TabularMDP:
    """The MDP of a grid on which each move has one outcome.

    Args:
        shape: (rows, columns).
        moves: {name: (rows down, columns to the right)}.
        outcome: a function (cell, move) -> (next cell, reward). It also decides what happens when a
            move leaves the grid or meets a wall; see `inside`.
        terminal: terminal cells.
        walls: cells that are not states.
        discount: gamma, in [0, 1].
        start: the starting cell; None is any cell that is not terminal, with equal probability.
    """
    cells = [cell for cell in np.ndindex(*shape) if cell not in set(walls)]
    index = {cell: i for i, cell in enumerate(cells)}
    transitions = np.zeros((len(cells), len(moves), len(cells)))
    rewards = np.zeros(transitions.shape[:2])
    for cell in cells:
        for a, move in enumerate(moves.values()):
            following, rewards[index[cell], a] = outcome(cell, move)
            transitions[index[cell], a, index[following]] = 1.0
    return TabularMDP(
        transitions,
        rewards,
        discount,
        terminal=[index[cell] for cell in terminal],
        start=None if start is None else np.eye(len(cells))[index[start]],
        state_names=tuple(f"({row}, {column})" for row, column in cells),
        action_names=tuple(moves),
        positions=cells,
    )


def inside(cell: Cell, shape: tuple[int, int]) -> Cell:
    """The cell of the grid that is nearest to `cell`, which may lie outside."""
    return int(np.clip(cell[0], 0, shape[0] - 1)), int(np.clip(cell[1], 0, shape[1] - 1))
