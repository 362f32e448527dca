"""Tables of numbers that a learner reads and writes one by one."""

import numpy as np


class Table:
    """Numbers in nested lists, which Python reads and writes several times faster than elements of an array; an array for all else.

    `table.rows[s][a]` is an entry. It takes part in checkpoints as a Keras variable does: `path`, `shape`, `assign`.

    Args:
        start: the numbers to begin with, an array.
        name: for messages and checkpoints.
    """

    def __init__(self, start, name):
        start = np.asarray(start, float)
        self.rows = start.tolist()
        self.shape = start.shape
        self.path = name

    def __array__(self, dtype=None, copy=None):
        return np.array(self.rows, dtype or float)

    def assign(self, values):
        """Takes all numbers from an array; `rows` stays the same list."""
        values = np.asarray(values, float)
        if values.shape != self.shape:
            raise ValueError(f"{self.path}: expected the shape {self.shape}, received {values.shape}.")
        self.rows[:] = values.tolist()


class Weights:
    """Numbers in an array, for checkpoints as a `Table`.

    Args:
        start: the numbers to begin with, an array.
        name: for messages and checkpoints.
    """

    def __init__(self, start, name):
        self.values = np.array(start, float)
        self.shape, self.path = self.values.shape, name

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype or float)

    def assign(self, values):
        """Takes all numbers from an array; `values` stays the same array."""
        self.values[...] = values
