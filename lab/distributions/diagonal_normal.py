"""The normal distribution with a diagonal covariance."""

from keras import ops

from lab.distributions.normal import Normal
from lab.engine.types import Tensor


class DiagonalNormal(Normal):
    """Independent normal distributions over the last axis.

    `log_prob`, `entropy` and `kl_divergence` are sums over that axis.

    Args:
        loc: mu, `[..., D]`.
        scale: sigma > 0, of a shape that broadcasts with mu's.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density of vectors: `[..., D]` -> `[...]`."""
        return ops.sum(super().log_prob(value), axis=-1)

    def entropy(self) -> Tensor:
        """The sum of the entropies."""
        return ops.sum(super().entropy(), axis=-1)

    def _divergence(self, other):
        return ops.sum(super()._divergence(other), axis=-1)
