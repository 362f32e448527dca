"""Several independent categorical distributions."""

import numpy as np
from keras import ops

from lab import validation
from lab.distributions.categorical import Categorical
from lab.distributions.distribution import Distribution


class MultiCategorical(Distribution):
    """Independent categoricals over parts of the last axis: `log_prob`, `entropy` and `kl_divergence` are sums over them.

    Args:
        logits: `[..., sum(counts)]`, those of the parts side by side.
        counts: how many values each of the D parts can take.
    """

    def __init__(self, logits, counts):
        counts = [validation.integer("counts", count) for count in counts]
        if ops.shape(logits)[-1] != sum(counts):
            raise ValueError(f"logits: expected {sum(counts)} on the last axis, for {counts}, received {ops.shape(logits)}.")
        ends = np.cumsum(counts)[:-1].tolist()
        self.parts = [Categorical(part) for part in (ops.split(logits, ends, axis=-1) if ends else [logits])]

    def log_prob(self, value):
        """The log-probability of vectors of indices: `[..., D]` -> `[...]`."""
        return sum(part.log_prob(value[..., d]) for d, part in enumerate(self.parts))

    def sample(self, seed, shape=()):
        """Draws of shape `[*shape, *batch, D]`, int32."""
        return ops.stack([part.sample(seed, shape) for part in self.parts], axis=-1)

    def mean(self):
        """The mean indices, `[..., D]`."""
        return ops.stack([part.mean() for part in self.parts], axis=-1)

    def variance(self):
        """The variances of the indices, `[..., D]`."""
        return ops.stack([part.variance() for part in self.parts], axis=-1)

    def entropy(self):
        """The sum of the entropies."""
        return sum(part.entropy() for part in self.parts)

    def mode(self):
        """The likeliest indices, `[..., D]` int32."""
        return ops.stack([part.mode() for part in self.parts], axis=-1)

    def _divergence(self, other):
        return sum(one.kl_divergence(two) for one, two in zip(self.parts, other.parts, strict=True))
