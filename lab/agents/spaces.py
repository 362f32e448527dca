"""Checks of Gymnasium's spaces: which actions agents take, which numbers fit into 32 bits.

This module does not import Keras.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

NUMBERS = (
    spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary
)  # spaces whose values are one array of numbers
NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}  # dtype -> the one in programs and replays


def one_line(x: Any) -> str:
    """An array, a space or a list on one line."""
    return " ".join(str(x).split())


def bounded(space: gymnasium.Space) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) in float64 of a bounded action space.

    Raises:
        ValueError: it is not a Box of floats with one axis and finite bounds.
    """
    if not isinstance(space, spaces.Box) or len(space.shape) != 1 or not np.issubdtype(space.dtype, np.floating):
        raise ValueError(f"action space: expected a Box of floats with one axis, received {one_line(space)}.")
    fitting("action space", space, "float32")
    low, high = np.asarray(space.low, "float64"), np.asarray(space.high, "float64")
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise ValueError(
            f"action space: expected finite bounds, low below high, received low {one_line(low)}, high {one_line(high)}."
        )
    return low, high


def check_actions(space: gymnasium.Space) -> None:
    """ValueError unless the actions are Discrete, MultiDiscrete, MultiBinary or a bounded Box."""
    if isinstance(space, spaces.Box):
        bounded(space)
    elif not isinstance(space, spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        raise ValueError(f"action space: expected Discrete, MultiDiscrete, MultiBinary or Box, received {one_line(space)}.")
    elif np.any(getattr(space, "start", 0)):
        raise ValueError(
            f"action space: expected actions that count from 0, received {one_line(space)}; "
            "gymnasium.wrappers.TransformAction can shift them."
        )
    elif isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary) and len(space.shape) != 1:
        raise ValueError(f"action space: expected one axis, received {one_line(space)}.")


def discrete(space: gymnasium.Space) -> int:
    """The number of actions; ValueError unless the space is Discrete and counts from 0."""
    if not isinstance(space, spaces.Discrete):
        raise ValueError(f"action space: expected Discrete, received {one_line(space)}.")
    check_actions(space)
    return int(space.n)


def as_action(space: gymnasium.Space, action: Any) -> Any:
    """An action, or a batch of actions, in the dtype of its space, as `step` takes it.

    A single Discrete action becomes a NumPy scalar.
    """
    action = np.asarray(action)
    if action.dtype != space.dtype:
        action = action.astype(space.dtype)
        if isinstance(space, spaces.Box):  # rounding may leave it
            action = np.clip(action, space.low, space.high)
    return action[()]


def fitting(name: str, space: gymnasium.Space, dtype: Any = None) -> str:
    """The dtype in which a space's numbers are kept: the given one, or its own in at most 32 bits.

    A bound of a Box that is infinite, or the least or greatest number of its dtype, is not checked.
    There rollouts check the numbers themselves.

    Args:
        name: what the space is, for messages.

    Raises:
        ValueError: the space is not of numbers, or a bound does not fit.
    """
    if not isinstance(space, NUMBERS):
        raise ValueError(
            f"{name}: expected Box, Discrete, MultiDiscrete or MultiBinary, received {one_line(space)}; "
            "lab.agents.environments.make flattens a Dict or a Tuple of them."
        )
    dtype = np.dtype(dtype or NARROW.get(str(space.dtype), space.dtype))
    (low, high), (least, greatest) = _bounds(space), _limits(dtype)
    if low < least or high > greatest:
        raise ValueError(
            f"{name}: expected bounds that fit {dtype}, {least} to {greatest}, received {low} to {high} of "
            f"{one_line(space)}; a wrapper of the environment can shift and scale them."
        )
    return dtype.name


def overflow(values: np.ndarray, dtype: Any) -> Any:
    """The first finite number of an array that is out of the range of a dtype, or None."""
    if values.dtype == dtype or not values.size:
        return None
    least, greatest = _limits(np.dtype(dtype))
    outside = np.isfinite(values) & ((values < least) | (values > greatest))
    return values[outside][0] if outside.any() else None


def _limits(dtype):
    """(least, greatest) finite number of a dtype, as Python numbers."""
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def _bounds(space):
    """(the least lower bound, the greatest upper bound) of a space, 0 where it has none."""
    if isinstance(space, spaces.Discrete):
        return int(space.start), int(space.start) + int(space.n) - 1
    if isinstance(space, spaces.MultiDiscrete):
        return int(np.min(space.start)), int(np.max(space.start + space.nvec)) - 1
    if isinstance(space, spaces.MultiBinary):
        return 0, 1
    least, greatest = _limits(space.dtype)
    low, high = space.low[space.low > least], space.high[space.high < greatest]
    return (low.min().item() if low.size else 0), (high.max().item() if high.size else 0)
