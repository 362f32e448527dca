"""Several independent categorical distributions."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.distributions.categorical import Categorical
from lab.distributions.distribution import Distribution
from lab.engine.types import Tensor


class MultiCategorical(Distribution):
    """D independent categorical distributions, over parts of the last axis.

    `log_prob`, `entropy` and `kl_divergence` are sums over the parts.

    Args:
        logits: `[..., sum(counts)]`, the logits of all parts side by side.
        counts: the number of values of each part.
    """

    def __init__(self, logits: Tensor, counts: Sequence[int]) -> None:
        counts = [validation.integer("counts", count) for count in counts]
        if ops.shape(logits)[-1] != sum(counts):
            raise ValueError(f"logits: expected {sum(counts)} on the last axis, for {counts}, received {ops.shape(logits)}.")
        ends = np.cumsum(counts)[:-1].tolist()
        parts = ops.split(logits, ends, axis=-1) if ends else [logits]
        self.parts = [Categorical(part) for part in parts]

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability of vectors of indices: `[..., D]` -> `[...]`."""
        return sum(part.log_prob(value[..., d]) for d, part in enumerate(self.parts))

    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """Samples of shape `[*shape, *batch, D]`, int32."""
        return ops.stack([part.sample(seed, shape) for part in self.parts], axis=-1)

    def mean(self) -> Tensor:
        """The mean indices, `[..., D]`."""
        return ops.stack([part.mean() for part in self.parts], axis=-1)

    def variance(self) -> Tensor:
        """The variances of the indices, `[..., D]`."""
        return ops.stack([part.variance() for part in self.parts], axis=-1)

    def entropy(self) -> Tensor:
        """The sum of the entropies."""
        return sum(part.entropy() for part in self.parts)

    def mode(self) -> Tensor:
        """The most likely indices, `[..., D]`, int32."""
        return ops.stack([part.mode() for part in self.parts], axis=-1)

    def _divergence(self, other):
        return sum(one.kl_divergence(two) for one, two in zip(self.parts, other.parts, strict=True))
