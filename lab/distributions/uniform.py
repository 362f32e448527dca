"""The uniform distribution."""

import math

import keras
from keras import ops

from lab.distributions.distribution import Distribution, broadcast_pair
from lab.engine.types import Tensor


class Uniform(Distribution):
    """The density 1 / (b - a) on [a, b]. Samples are below b, but may be rounded to b.

    Args:
        low: a, of any shape.
        high: b > a, of a shape that broadcasts with a's.
    """

    def __init__(self, low: Tensor, high: Tensor) -> None:
        self.low, self.high = broadcast_pair(low, high)

    def log_prob(self, value: Tensor) -> Tensor:
        """-log(b - a) inside, -inf outside."""
        value = ops.convert_to_tensor(value, self.low.dtype)
        inside = ops.logical_and(value >= self.low, value <= self.high)
        return ops.where(inside, -ops.log(self.high - self.low), -math.inf)

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """a + (b - a) u with u uniform in [0, 1), of shape `[*shape, *batch]`."""
        shape = (*shape, *ops.shape(self.low))
        return self.low + (self.high - self.low) * keras.random.uniform(shape, dtype=self.low.dtype, seed=seed)

    def mean(self) -> Tensor:
        """(a + b) / 2."""
        return 0.5 * (self.low + self.high)

    def variance(self) -> Tensor:
        """(b - a)^2 / 12."""
        return ops.square(self.high - self.low) / 12

    def entropy(self) -> Tensor:
        """log(b - a)."""
        return ops.log(self.high - self.low)

    def _divergence(self, other):
        inside = ops.logical_and(self.low >= other.low, self.high <= other.high)
        return ops.where(inside, ops.log((other.high - other.low) / (self.high - self.low)), math.inf)
