"""Continuous actions: a bounded Box and the unit cube that agents think in."""

from lab.environments import bounded


class UnitBox:
    """The affine map between [-1, 1]^D and a bounded Box of shape `[D]`; of tensors and of arrays alike.

    Args:
        space: a Box of floats with one axis and finite bounds, the upper ones above the lower ones.
    """

    def __init__(self, space):
        low, high = bounded(space)
        self.dimensions = len(low)
        self.low, self.high = low.astype("float32"), high.astype("float32")
        self.middle, self.half = ((low + high) / 2).astype("float32"), ((high - low) / 2).astype("float32")

    def from_unit(self, x):
        """[-1, 1] -> the Box's units; numbers outside stay outside."""
        return self.middle + self.half * x

    def to_unit(self, action):
        """The Box's units -> [-1, 1]."""
        return (action - self.middle) / self.half
