"""The uniform distribution."""

import math

import keras
from keras import ops

from lab.distributions.distribution import Distribution, together


class Uniform(Distribution):
    """The density 1/(b-a) on [a, b]; rounding may make b of a sample.

    Args:
        low: a, of any shape.
        high: b > a, of a shape that broadcasts with it.
    """

    def __init__(self, low, high):
        self.low, self.high = together(low, high)

    def log_prob(self, value):
        """-log(b-a) inside, -inf outside."""
        value = ops.convert_to_tensor(value, self.low.dtype)
        inside = ops.logical_and(value >= self.low, value <= self.high)
        return ops.where(inside, -ops.log(self.high - self.low), -math.inf)

    def sample(self, seed, shape=()):
        """a + (b-a) u, of shape `[*shape, *batch]`."""
        shape = (*shape, *ops.shape(self.low))
        return self.low + (self.high - self.low) * keras.random.uniform(shape, dtype=self.low.dtype, seed=seed)

    def mean(self):
        """(a+b) / 2."""
        return 0.5 * (self.low + self.high)

    def variance(self):
        """(b-a)^2 / 12."""
        return ops.square(self.high - self.low) / 12

    def entropy(self):
        """log(b-a)."""
        return ops.log(self.high - self.low)

    def _divergence(self, other):
        inside = ops.logical_and(self.low >= other.low, self.high <= other.high)
        return ops.where(inside, ops.log((other.high - other.low) / (self.high - self.low)), math.inf)
