"""The categorical distribution."""

import keras
import numpy as np
from keras import ops

from lab.distributions.distribution import (
    Distribution,
    log_or_minus_infinity,
    logits_or_probs,
    support_index,
    uniform_sample,
    weighted_log,
)
from lab.engine.types import Tensor


class Categorical(Distribution):
    """P(k) = softmax(logits)_k over the last axis.

    Args:
        logits: `[..., K]`, unnormalised. -inf means probability 0.
        probs: `[..., K]`, instead of logits. They need not sum to 1.
    """

    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None) -> None:
        given = logits_or_probs(logits, probs)
        if len(given.shape) < 1:
            raise ValueError(f"{'logits' if probs is None else 'probs'}: expected at least 1 axis, received a scalar.")
        # `initial` allows an empty batch.
        top = ops.stop_gradient(ops.max(given, axis=-1, keepdims=True, initial=-np.inf))
        if probs is None:
            self.logits = given - top - ops.log(ops.sum(ops.exp(given - top), axis=-1, keepdims=True))  # log P
            self.probs = ops.exp(self.logits)
        else:
            self.probs = given / top / ops.sum(given / top, axis=-1, keepdims=True)
            self.logits = log_or_minus_infinity(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability of indices: `[...]` -> `[...]`; -inf for other values."""
        count = self.logits.shape[-1]
        index, inside = support_index(value, count)
        chosen = ops.equal(ops.expand_dims(index, -1), ops.arange(count, dtype="int32"))
        # Not a gather: its gradient is a scatter, which XLA runs one element at a time.
        log_prob = ops.sum(ops.where(chosen, self.logits, 0.0), axis=-1)
        return ops.where(inside, log_prob, -np.inf)

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """Samples of shape `[*shape, *batch]`, int32, by the Gumbel-max trick."""
        uniform = uniform_sample((*shape, *ops.shape(self.logits)), self.logits.dtype, seed)
        tiny = float(np.finfo("float32").tiny)
        gumbel = -ops.log(-ops.log(ops.maximum(uniform, tiny)))
        return ops.cast(ops.argmax(ops.cast(self.logits, gumbel.dtype) + gumbel, axis=-1), "int32")

    def mean(self) -> Tensor:
        """The mean index, sum_k k P(k)."""
        return ops.sum(self.probs * self._indices(), axis=-1)

    def variance(self) -> Tensor:
        """The variance of the index."""
        return ops.sum(self.probs * ops.square(self._indices() - ops.expand_dims(self.mean(), -1)), axis=-1)

    def entropy(self) -> Tensor:
        """-sum_k P(k) log P(k)."""
        return -ops.sum(weighted_log(self.probs, self.logits), axis=-1)

    def mode(self) -> Tensor:
        """The most likely index, int32."""
        return ops.cast(ops.argmax(self.logits, axis=-1), "int32")

    def _indices(self):
        return ops.arange(self.logits.shape[-1], dtype=self.logits.dtype)

    def _divergence(self, other):
        return ops.sum(weighted_log(self.probs, self.logits) - weighted_log(self.probs, other.logits), axis=-1)
