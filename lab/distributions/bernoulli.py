"""The Bernoulli distribution."""

import keras
import numpy as np
from keras import ops

from lab.distributions.distribution import Distribution, bernoulli_parameters, support_index, uniform_sample, weighted_log
from lab.engine.types import Tensor


class Bernoulli(Distribution):
    """P(1) = p, P(0) = 1 - p.

    Args:
        logits: log(p / (1 - p)), of any shape. They may be infinite.
        probs: p in [0, 1], instead of logits.
    """

    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None) -> None:
        parameters = bernoulli_parameters(logits, probs)
        self.logits = parameters.logits
        self._p = parameters.p
        self._q = parameters.q
        self._log_p = parameters.log_p
        self._log_q = parameters.log_q

    def log_prob(self, value: Tensor) -> Tensor:
        """x log p + (1 - x) log(1 - p) for x in {0, 1}; -inf for other values."""
        index, inside = support_index(value, 2)
        return ops.where(inside, ops.where(ops.equal(index, 1), self._log_p, self._log_q), -np.inf)

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """Samples of shape `[*shape, *batch]`, int32."""
        uniform = uniform_sample((*shape, *ops.shape(self._p)), self._p.dtype, seed)
        return ops.cast(uniform < ops.cast(self._p, uniform.dtype), "int32")

    def mean(self) -> Tensor:
        """The probability p."""
        return self._p

    def variance(self) -> Tensor:
        """The product p (1 - p)."""
        return self._p * self._q

    def entropy(self) -> Tensor:
        """-p log p - (1 - p) log(1 - p)."""
        return -weighted_log(self._p, self._log_p) - weighted_log(self._q, self._log_q)

    def _divergence(self, other):
        ones = weighted_log(self._p, self._log_p) - weighted_log(self._p, other._log_p)
        return ones + weighted_log(self._q, self._log_q) - weighted_log(self._q, other._log_q)
