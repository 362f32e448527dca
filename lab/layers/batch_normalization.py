"""Batch normalisation in one kernel."""

import keras
from keras import ops

from lab import engine
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, faster in training: `[B, ..., C]` -> `[B, ..., C]`.

    Values, gradients, moving averages and arguments are Keras's (Ioffe and Szegedy 2015).

    In training it calls `engine.batch_normalize`. On TensorFlow that is one kernel instead of a
    dozen operations. Keras's own code runs in these cases: a mask, renormalisation,
    synchronisation, an axis that is not the last, or float64.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalises by the batch in training, by the moving averages otherwise."""
        last = self.axis in (-1, len(inputs.shape) - 1)
        by_keras = (
            mask is not None
            or self.renorm
            or self.synchronized
            or not last
            or keras.backend.standardize_dtype(inputs.dtype) == "float64"
        )
        if by_keras or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        scale = ops.cast(self.gamma, "float32") if self.scale else ops.ones(channels, "float32")
        offset = ops.cast(self.beta, "float32") if self.center else ops.zeros(channels, "float32")
        y, mean, variance = engine.batch_normalize(ops.cast(inputs, "float32"), scale, offset, self.epsilon)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(ops.cast(average, "float32") * self.momentum + value * (1.0 - self.momentum))
        return ops.cast(y, self.compute_dtype)
