"""The categorical distribution."""

import numpy as np
from keras import ops

from lab.distributions.distribution import Distribution, drawn_uniformly, index_of, log_of, one_of, weighted


class Categorical(Distribution):
    """P(k) = softmax(logits)_k over the last axis.

    Args:
        logits: `[..., K]`, unnormalised; -inf for what cannot be.
        probs: `[..., K]`, instead of logits; they need not sum to 1.
    """

    def __init__(self, logits=None, *, probs=None):
        given = one_of(logits, probs)
        if len(given.shape) < 1:
            raise ValueError(f"{'logits' if probs is None else 'probs'}: expected at least 1 axis, received a scalar.")
        # With an initial value the batch may be empty.
        top = ops.stop_gradient(ops.max(given, axis=-1, keepdims=True, initial=-np.inf))
        if probs is None:
            self.logits = given - top - ops.log(ops.sum(ops.exp(given - top), axis=-1, keepdims=True))  # log P
            self.probs = ops.exp(self.logits)
        else:
            self.probs = given / top / ops.sum(given / top, axis=-1, keepdims=True)
            self.logits = log_of(self.probs)

    def log_prob(self, value):
        """The value's log-probability: indices `[...]` -> `[...]`; -inf of other values."""
        count = self.logits.shape[-1]
        index, inside = index_of(value, count)
        chosen = ops.equal(ops.expand_dims(index, -1), ops.arange(count, dtype="int32"))
        # A gather's gradient is a scatter, which XLA does one by one.
        log_prob = ops.sum(ops.where(chosen, self.logits, 0.0), axis=-1)
        return ops.where(inside, log_prob, -np.inf)

    def sample(self, seed, shape=()):
        """Draws of shape `[*shape, *batch]`, int32, by the Gumbel-max rule."""
        uniform = drawn_uniformly((*shape, *ops.shape(self.logits)), self.logits.dtype, seed)
        tiny = float(np.finfo("float32").tiny)
        gumbel = -ops.log(-ops.log(ops.maximum(uniform, tiny)))
        return ops.cast(ops.argmax(ops.cast(self.logits, gumbel.dtype) + gumbel, axis=-1), "int32")

    def mean(self):
        """The mean index, sum k P(k)."""
        return ops.sum(self.probs * self._indices(), axis=-1)

    def variance(self):
        """The variance of the index."""
        return ops.sum(self.probs * ops.square(self._indices() - ops.expand_dims(self.mean(), -1)), axis=-1)

    def entropy(self):
        """-sum P log P."""
        return -ops.sum(weighted(self.probs, self.logits), axis=-1)

    def mode(self):
        """The likeliest index, int32."""
        return ops.cast(ops.argmax(self.logits, axis=-1), "int32")

    def _indices(self):
        return ops.arange(self.logits.shape[-1], dtype=self.logits.dtype)

    def _divergence(self, other):
        return ops.sum(weighted(self.probs, self.logits) - weighted(self.probs, other.logits), axis=-1)
