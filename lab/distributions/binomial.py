"""The binomial distribution."""

import keras
import numpy as np
from keras import ops
from scipy import special

from lab import validation
from lab.distributions.bernoulli import Bernoulli
from lab.distributions.distribution import Distribution, support_index, weighted_log
from lab.engine.types import Tensor


class Binomial(Distribution):
    """The number of ones in n Bernoulli trials: P(k) = C(n, k) p^k (1 - p)^(n - k).

    Args:
        count: n, a Python integer >= 1.
        logits: log(p / (1 - p)), of any shape.
        probs: p in [0, 1], instead of logits.
    """

    def __init__(self, count: int, logits: Tensor | None = None, *, probs: Tensor | None = None) -> None:
        self.count = validation.integer("count", count)
        self.trial = Bernoulli(logits, probs=probs)
        k = np.arange(count + 1)
        log_ways = special.gammaln(count + 1) - special.gammaln(k + 1) - special.gammaln(count - k + 1)
        self._log_ways = ops.convert_to_tensor(log_ways, self.trial._p.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """log C(n, k) + k log p + (n - k) log(1 - p) for k in {0, ..., n}; -inf elsewhere."""
        index, inside = support_index(value, self.count + 1)
        k = ops.cast(index, self._log_ways.dtype)
        log_prob = weighted_log(k, self.trial._log_p) + weighted_log(self.count - k, self.trial._log_q)
        return ops.where(inside, ops.take(self._log_ways, index) + log_prob, -np.inf)

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """Samples of shape `[*shape, *batch]`, int32."""
        p = self.trial._p
        shape = (*shape, *ops.shape(p))
        drawn = keras.random.binomial(shape, float(self.count), ops.broadcast_to(p, shape), dtype=p.dtype, seed=seed)
        return ops.cast(ops.round(drawn), "int32")

    def mean(self) -> Tensor:
        """The product n p."""
        return self.count * self.trial.mean()

    def variance(self) -> Tensor:
        """The product n p (1 - p)."""
        return self.count * self.trial.variance()

    def entropy(self) -> Tensor:
        """-sum_k P(k) log P(k) over all n + 1 values."""
        ones = (1,) * len(self.trial._p.shape)
        k = ops.reshape(ops.arange(self.count + 1, dtype="int32"), (-1, *ones))
        log_prob = self.log_prob(k)
        return -ops.sum(weighted_log(ops.exp(log_prob), log_prob), axis=0)

    def _divergence(self, other):
        if other.count != self.count:
            raise ValueError(f"other: expected count {self.count}, received {other.count}.")
        return self.count * self.trial.kl_divergence(other.trial)
