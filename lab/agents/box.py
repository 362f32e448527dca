"""Continuous actions: a bounded Box, and the unit cube [-1, 1]^D in which agents compute."""

from typing import Any

import gymnasium
import numpy as np
from keras import ops

from lab.agents.spaces import bounded
from lab.engine.types import Tensor


class UnitBox:
    """The affine map between the unit cube [-1, 1]^D and a bounded Box of shape `[D]`.

    It takes tensors and arrays.

    Args:
        space: a Box of floats with one axis and finite bounds, each lower bound below its
            upper bound.
    """

    def __init__(self, space: gymnasium.Space) -> None:
        low, high = bounded(space)
        self.dimensions = len(low)
        self.low, self.high = _inwards(low, np.inf), _inwards(high, -np.inf)
        self.middle, self.half = ((low + high) / 2).astype("float32"), ((high - low) / 2).astype("float32")

    def from_unit(self, x: Tensor) -> Tensor:
        """[-1, 1] -> the Box's units, clipped to the bounds."""
        clip: Any = np.clip if isinstance(x, np.ndarray) else ops.clip
        return clip(self.middle + self.half * x, self.low, self.high)

    def to_unit(self, action: Tensor) -> Tensor:
        """The Box's units -> [-1, 1]."""
        return (action - self.middle) / self.half


def _inwards(bound, inside):
    """Bounds in float32. Where rounding left the Box, the next number towards `inside`."""
    rounded = bound.astype("float32")
    outside = rounded < bound if inside > 0 else rounded > bound
    return np.where(outside, np.nextafter(rounded, np.float32(inside)), rounded)
