"""Normalisation by the mean and the variance of all inputs so far."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class RunningNormalization(keras.layers.Layer):
    """Normalises by the statistics of all training inputs so far: `[B, ...]` -> the same.

        clip((x - mean) / sqrt(variance + epsilon))

    The statistics are per feature. They are exact however the inputs are split into batches (Chan
    et al. 1979, eq. 2.1). With n, mu and M of the inputs so far, n', mu' and M' of the new batch,
    and d = mu' - mu:

        mu <- mu + d n' / (n + n')
        M <- M + M' + d^2 n n' / (n + n')

    M is the sum of squared differences from the mean. Before the first batch, inputs are only
    clipped.

    Args:
        clip: results lie in [-clip, clip]. None means no clipping.
        epsilon: added to the variance, > 0.
        feature_axes: number of axes at the end that are features, such as 1 for sequences
            `[B, T, D]`. None means all axes except the first.
    """

    def __init__(
        self, clip: float | None = 10.0, epsilon: float = 1e-8, feature_axes: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        if clip is not None:
            validation.POSITIVE.check("clip", clip)
        validation.POSITIVE.check("epsilon", epsilon)
        self.clip = clip
        self.epsilon = epsilon
        self.feature_axes = feature_axes

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the count n, the mean mu, and M."""
        shape = input_shape[1:] if self.feature_axes is None else input_shape[-self.feature_axes :]
        options = {"trainable": False, "dtype": "float32", "autocast": False}
        self.count = self.add_weight(shape=(), initializer="zeros", name="count", **options)
        self.mean = self.add_weight(shape=shape, initializer="zeros", name="mean", **options)
        self.deviations = self.add_weight(shape=shape, initializer="zeros", name="deviations", **options)

    def update(self, inputs: Tensor) -> None:
        """Adds a batch to the statistics."""
        x = ops.reshape(ops.cast(inputs, "float32"), (-1, *self.mean.shape))
        new = ops.cast(ops.shape(x)[0], "float32")  # n'
        mean = ops.mean(x, axis=0)
        difference = mean - self.mean  # d
        total = self.count + new
        self.deviations.assign_add(ops.sum(ops.square(x - mean), axis=0) + ops.square(difference) * self.count * new / total)
        self.mean.assign_add(difference * new / total)
        self.count.assign(total)

    def variance(self) -> Tensor:
        """M / n, the variance so far. It is 1 before the first batch."""
        return ops.where(self.count > 0, self.deviations / ops.maximum(self.count, 1.0), 1.0)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Normalises the inputs. In training they update the statistics first, unless frozen."""
        if training and self.trainable:
            self.update(inputs)
        x = (ops.cast(inputs, "float32") - self.mean) * ops.rsqrt(self.variance() + self.epsilon)
        x = x if self.clip is None else ops.clip(x, -self.clip, self.clip)
        return ops.cast(x, self.compute_dtype)

    def host_function(self) -> Callable[[np.ndarray], Any]:
        """`call` with the current statistics as a function of arrays, for `engine.host_forward`."""
        mean = engine.read(self.mean)
        limit = np.inf if self.clip is None else self.clip
        scale = 1.0 / np.sqrt(np.array(self.variance()) + np.float32(self.epsilon))
        return lambda x: np.clip((x - mean) * scale, -limit, limit)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("clip", "epsilon", "feature_axes")}
