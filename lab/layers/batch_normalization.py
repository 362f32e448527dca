"""Batch normalisation in one kernel."""

import keras
from keras import ops

from lab import engine


@keras.saving.register_keras_serializable(package="lab")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, `[B, ..., C]` -> `[B, ..., C]`, of the same values, gradients and moving averages (Ioffe and Szegedy 2015).

    In training `engine.batch_normalize` does the work, on TensorFlow one kernel in place of a dozen operations. Keras's own does it where there is a mask,
    renormalisation, synchronisation, another axis than the last, or numbers wider than float32. Its arguments are Keras's.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalises by the batch in training, by the moving averages otherwise."""
        last = self.axis in (-1, len(inputs.shape) - 1)
        own = (
            mask is not None
            or self.renorm
            or self.synchronized
            or not last
            or keras.backend.standardize_dtype(inputs.dtype) == "float64"
        )
        if own or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        scale = ops.cast(self.gamma, "float32") if self.scale else ops.ones(channels, "float32")
        offset = ops.cast(self.beta, "float32") if self.center else ops.zeros(channels, "float32")
        y, mean, variance = engine.batch_normalize(ops.cast(inputs, "float32"), scale, offset, self.epsilon)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(ops.cast(average, "float32") * self.momentum + value * (1.0 - self.momentum))
        return ops.cast(y, self.compute_dtype)
