"""The Bernoulli distribution."""

import keras
from keras import ops

from lab.distributions.distribution import Distribution, binary, weighted


class Bernoulli(Distribution):
    """P(1) = p, P(0) = 1 - p.

    Args:
        logits: log p/(1-p), of any shape, infinite ones included.
        probs: p in [0, 1], instead of logits.
    """

    def __init__(self, logits=None, *, probs=None):
        self.logits, self._p, self._log_p, self._log_q = binary(logits, probs)

    def log_prob(self, value):
        """x log p + (1-x) log(1-p), for x in {0, 1}."""
        return ops.where(ops.equal(value, 1), self._log_p, self._log_q)

    def sample(self, seed, shape=()):
        """Draws of shape `[*shape, *batch]`, int32."""
        shape = (*shape, *ops.shape(self._p))
        return ops.cast(keras.random.uniform(shape, dtype=self._p.dtype, seed=seed) < self._p, "int32")

    def mean(self):
        """The probability p."""
        return self._p

    def variance(self):
        """The product p (1-p)."""
        return self._p * ops.exp(self._log_q)

    def entropy(self):
        """-p log p - (1-p) log(1-p)."""
        return -weighted(self._p, self._log_p) - weighted(ops.exp(self._log_q), self._log_q)

    def _divergence(self, other):
        ones = weighted(self._p, self._log_p) - weighted(self._p, other._log_p)
        q = ops.exp(self._log_q)
        return ones + weighted(q, self._log_q) - weighted(q, other._log_q)
