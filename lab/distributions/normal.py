"""The normal distribution."""

import math

import keras
from keras import ops

from lab.distributions.distribution import Distribution, broadcast_pair
from lab.engine.types import Tensor


class Normal(Distribution):
    """The density exp(-(x - mu)^2 / (2 sigma^2)) / (sigma sqrt(2 pi)), elementwise.

    Args:
        loc: mu, of any shape.
        scale: sigma > 0, of a shape that broadcasts with mu's.
    """

    def __init__(self, loc: Tensor, scale: Tensor) -> None:
        self.loc, self.scale = broadcast_pair(loc, scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """-((x - mu) / sigma)^2 / 2 - log sigma - log(2 pi) / 2."""
        value = ops.convert_to_tensor(value, self.loc.dtype)
        return -0.5 * ops.square((value - self.loc) / self.scale) - ops.log(self.scale) - 0.5 * math.log(2 * math.pi)

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """mu + sigma epsilon, of shape `[*shape, *batch]`."""
        shape = (*shape, *ops.shape(self.loc))
        return self.loc + self.scale * keras.random.normal(shape, dtype=self.loc.dtype, seed=seed)

    def mean(self) -> Tensor:
        """The mean mu."""
        return self.loc

    def variance(self) -> Tensor:
        """The square of sigma."""
        return ops.square(self.scale)

    def entropy(self) -> Tensor:
        """log(2 pi e sigma^2) / 2."""
        return 0.5 * math.log(2 * math.pi * math.e) + ops.log(self.scale)

    def mode(self) -> Tensor:
        """The mean mu."""
        return self.loc

    def _divergence(self, other):
        ratio = ops.square(self.scale / other.scale)
        return 0.5 * (ratio + ops.square((self.loc - other.loc) / other.scale) - 1.0 - ops.log(ratio))
