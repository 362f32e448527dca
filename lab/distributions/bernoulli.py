"""The Bernoulli distribution."""

import numpy as np
from keras import ops

from lab.distributions.distribution import Distribution, binary, drawn_uniformly, index_of, weighted


class Bernoulli(Distribution):
    """P(1) = p, P(0) = 1 - p.

    Args:
        logits: log p/(1-p), of any shape, infinite ones included.
        probs: p in [0, 1], instead of logits.
    """

    def __init__(self, logits=None, *, probs=None):
        self.logits, self._p, self._q, self._log_p, self._log_q = binary(logits, probs)

    def log_prob(self, value):
        """x log p + (1-x) log(1-p), for x in {0, 1}; -inf of other values."""
        index, inside = index_of(value, 2)
        return ops.where(inside, ops.where(ops.equal(index, 1), self._log_p, self._log_q), -np.inf)

    def sample(self, seed, shape=()):
        """Draws of shape `[*shape, *batch]`, int32."""
        uniform = drawn_uniformly((*shape, *ops.shape(self._p)), self._p.dtype, seed)
        return ops.cast(uniform < ops.cast(self._p, uniform.dtype), "int32")

    def mean(self):
        """The probability p."""
        return self._p

    def variance(self):
        """The product p (1-p)."""
        return self._p * self._q

    def entropy(self):
        """-p log p - (1-p) log(1-p)."""
        return -weighted(self._p, self._log_p) - weighted(self._q, self._log_q)

    def _divergence(self, other):
        ones = weighted(self._p, self._log_p) - weighted(self._p, other._log_p)
        return ones + weighted(self._q, self._log_q) - weighted(self._q, other._log_q)
