"""Pictures of the values and the policy of a problem on a grid."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # heavy packages, which an experiment imports when it runs
    from matplotlib.axes import Axes

    from envs.tabular import TabularMDP

Cells = Sequence[tuple[int, int]]  # (row, column) of each

ARROWS = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}  # (columns, rows)


def draw_values(
    axes: "Axes",
    mdp: "TabularMDP",
    values: np.ndarray,
    policy: np.ndarray | None = None,
    *,
    digits: int = 1,
    title: str = "",
    label: str = "value",
    limits: tuple[float, float] | None = None,
    marks: Mapping[str, Cells] | None = None,
) -> None:
    """Draws the value of each state as a colour and a number, and the policy as arrows.

    Special cells have a letter, which the line below the picture explains.

    Args:
        axes: where to draw.
        mdp: has the positions, and the names of the actions. Only the names in `ARROWS` get arrows.
        values: V, `[S]`.
        policy: the action of each state, `[S]`; None draws no arrows.
        digits: decimals of the values.
        title: of the picture.
        label: of the colour bar.
        limits: (lowest, highest) value of the colours; None takes those of the values.
        marks: {letter and meaning, such as "H hole": cells}. The default is that of `marks_of`.
    """
    marks = marks_of(mdp) if marks is None else marks
    grid = np.full(_shape(mdp, marks), np.nan)
    grid[tuple(mdp.positions.T)] = values
    low, high = limits or (np.nanmin(grid), np.nanmax(grid))
    image = axes.imshow(np.ma.masked_invalid(grid), cmap="viridis", vmin=low, vmax=high)
    axes.set_facecolor("0.85")  # cells that are no states
    letters = {tuple(cell): key.split()[0] for key, cells in marks.items() for cell in cells}
    for state, cell in enumerate(map(tuple, mdp.positions.tolist())):
        colour = "white" if values[state] <= (low + high) / 2 else "black"
        if mdp.terminal[state]:
            _write(axes, cell, letters.pop(cell, ""), colour)
            continue
        text = f"{letters.pop(cell, '')}  {values[state]:.{digits}f}".strip()
        axes.text(cell[1], cell[0] - 0.27, text, ha="center", va="center", color=colour, fontsize=8)
        if policy is not None:
            _arrow(axes, cell, mdp.action_names[policy[state]], colour)
    for cell, letter in letters.items():  # no states
        _write(axes, cell, letter, "black")
    explained = "    ".join(key.replace(" ", ": ", 1) for key, cells in marks.items() if len(cells))
    arrows = "" if policy is None else "arrow: action of the policy"
    axes.set(title=title, xticks=[], yticks=[])
    axes.set_xlabel("\n".join(filter(None, [explained, arrows])), fontsize=8)
    beside = axes.inset_axes((1.03, 0.0, 0.25 / grid.shape[1], 1.0))  # as high as the map
    axes.figure.colorbar(image, cax=beside, label=label)


def marks_of(mdp: "TabularMDP") -> dict[str, Cells]:
    """The start, if it is one cell, and the goal: the terminal states."""
    cells = [tuple(cell) for cell in mdp.positions.tolist()]
    starts = [cells[state] for state in np.flatnonzero(mdp.start)]
    goals = [cells[state] for state in np.flatnonzero(mdp.terminal)]
    return ({"S start": starts} if len(starts) == 1 else {}) | ({"G goal": goals} if goals else {})


def _shape(mdp, marks):
    """(rows, columns) of a grid with all states and all marked cells."""
    cells = [*mdp.positions.tolist(), *(list(cell) for cells in marks.values() for cell in cells)]
    return tuple(np.max(cells, axis=0) + 1)


def _write(axes, cell, letter, colour):
    axes.text(cell[1], cell[0], letter, ha="center", va="center", color=colour, fontsize=11, fontweight="bold")


def _arrow(axes, cell, action, colour):
    right, down = ARROWS.get(action, (0, 0))
    middle = np.array([cell[1], cell[0] + 0.14])
    step = 0.24 * np.array([right, down])
    style = {"arrowstyle": "->", "color": colour, "linewidth": 1.4}
    axes.annotate("", middle + step, middle - step, arrowprops=style)
