"""Tables and vectors of numbers that a learner changes."""

from typing import Any

import numpy as np


class Table:
    """Numbers in nested lists.

    Python reads and writes single entries of lists several times faster than those of arrays.
    `table.rows[s][a]` is an entry; `np.asarray(table)` is an array of all. A checkpoint treats a
    table like a Keras variable: it has `path`, `shape` and `assign`.

    Args:
        start: the first numbers, an array.
        name: for error messages and checkpoints.
    """

    def __init__(self, start: np.typing.ArrayLike, name: str) -> None:
        start = np.asarray(start, float)
        self.rows = start.tolist()
        self.shape = start.shape
        self.path = name

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.rows, dtype or float)

    def assign(self, values: np.typing.ArrayLike) -> None:
        """Replaces all numbers by those of an array. `rows` stays the same list."""
        values = np.asarray(values, float)
        if values.shape != self.shape:
            raise ValueError(f"{self.path}: expected the shape {self.shape}, received {values.shape}.")
        self.rows[:] = values.tolist()


class Weights:
    """Numbers in an array. A checkpoint treats them like a `Table`.

    Args:
        start: the first numbers, an array.
        name: for checkpoints.
    """

    def __init__(self, start: np.typing.ArrayLike, name: str) -> None:
        self.values = np.array(start, float)
        self.shape = self.values.shape
        self.path = name

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype or float)

    def assign(self, values: np.typing.ArrayLike) -> None:
        """Replaces all numbers by those of an array. `values` stays the same array."""
        self.values[...] = values
