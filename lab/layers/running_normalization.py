"""Normalisation by the statistics of everything seen so far."""

import keras
import numpy as np
from keras import ops

from lab import engine, validation


@keras.saving.register_keras_serializable(package="lab")
class RunningNormalization(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon), clipped, with mean and variance of all inputs that training has seen.

    `[B, ...]` -> the same; statistics are per feature, over the batch axis, or over all axes but the last `feature_axes`. Batches join exactly, in any split (Chan et al. 1979,
    eq. 2.1): with n, mu, M of before and n', mu', M' of the batch, d = mu' - mu:  mu += d n'/(n+n');  M += M' + d^2 n n'/(n+n').
    Before the first batch nothing is changed but clipped.

    Args:
        clip: results lie in [-clip, clip]; None leaves them.
        epsilon: added to the variance, > 0.
        feature_axes: axes at the end that are features', as 1 of sequences `[B, T, D]`; None makes all but the first theirs.
    """

    def __init__(self, clip=10.0, epsilon=1e-8, feature_axes=None, **options):
        super().__init__(**options)
        if clip is not None:
            validation.POSITIVE.check("clip", clip)
        validation.POSITIVE.check("epsilon", epsilon)
        self.clip = clip
        self.epsilon = epsilon
        self.feature_axes = feature_axes

    def build(self, input_shape):
        """Makes count, mean and M, the sum of squared deviations."""
        shape = input_shape[1:] if self.feature_axes is None else input_shape[-self.feature_axes :]
        options = {"trainable": False, "dtype": "float32", "autocast": False}
        self.count = self.add_weight(shape=(), initializer="zeros", name="count", **options)
        self.mean = self.add_weight(shape=shape, initializer="zeros", name="mean", **options)
        self.deviations = self.add_weight(shape=shape, initializer="zeros", name="deviations", **options)

    def update(self, inputs):
        """Adds a batch to the statistics."""
        x = ops.reshape(ops.cast(inputs, "float32"), (-1, *self.mean.shape))
        new = ops.cast(ops.shape(x)[0], "float32")  # n'
        mean = ops.mean(x, axis=0)
        difference = mean - self.mean  # d
        total = self.count + new
        self.deviations.assign_add(ops.sum(ops.square(x - mean), axis=0) + ops.square(difference) * self.count * new / total)
        self.mean.assign_add(difference * new / total)
        self.count.assign(total)

    def variance(self):
        """M / n, the variance so far; 1 before the first batch."""
        return ops.where(self.count > 0, self.deviations / ops.maximum(self.count, 1.0), 1.0)

    def call(self, inputs, training=None):
        """Normalises the inputs; while training they are seen first, unless the layer is frozen."""
        if training and self.trainable:
            self.update(inputs)
        x = (ops.cast(inputs, "float32") - self.mean) * ops.rsqrt(self.variance() + self.epsilon)
        x = x if self.clip is None else ops.clip(x, -self.clip, self.clip)
        return ops.cast(x, self.compute_dtype)

    def host_function(self):
        """`call` over the present statistics as a function of arrays, for `engine.host_forward`."""
        mean, limit = engine.read(self.mean), np.inf if self.clip is None else self.clip
        scale = 1.0 / np.sqrt(np.array(self.variance()) + np.float32(self.epsilon))
        return lambda x: np.clip((x - mean) * scale, -limit, limit)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("clip", "epsilon", "feature_axes")}
