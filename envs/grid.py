"""MDPs on a grid, from the rule that says where a move leads."""

import numpy as np

from envs.tabular import TabularMDP

MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
DIAGONALS = {
    "up right": (-1, 1),
    "down right": (1, 1),
    "down left": (1, -1),
    "up left": (-1, -1),
}  # rows down, columns to the right


def grid_mdp(shape, moves, follow, *, terminal=(), walls=(), discount=1.0, start=None):
    """The MDP of a grid on which each move has one outcome.

    Args:
        shape: (rows, columns).
        moves: {name: (rows down, columns to the right)}.
        follow: (cell, move) -> (cell, reward), cells as (row, column), from rules that may leave the grid or hit a wall: then
            `follow` itself says what happens. See `inside`.
        terminal, walls: cells.
        start: a cell; None starts anywhere.
    """
    cells = [cell for cell in np.ndindex(*shape) if cell not in set(walls)]
    index = {cell: i for i, cell in enumerate(cells)}
    transitions = np.zeros((len(cells), len(moves), len(cells)))
    rewards = np.zeros(transitions.shape[:2])
    for cell in cells:
        for a, move in enumerate(moves.values()):
            following, rewards[index[cell], a] = follow(cell, move)
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


def inside(cell, shape):
    """The cell of the grid that is nearest to `cell`."""
    return tuple(int(np.clip(at, 0, size - 1)) for at, size in zip(cell, shape, strict=True))
