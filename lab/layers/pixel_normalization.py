"""Pixelwise feature normalisation."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class PixelNormalization(keras.layers.Layer):
    """x / sqrt(mean over channels of x^2 + epsilon), at each position: `[..., C]` -> `[..., C]` (Karras et al. 2018, section 4.2).

    Args:
        axis: of the channels.
        epsilon: > 0.
    """

    def __init__(self, axis=-1, epsilon=1e-8, **options):
        super().__init__(**options)
        validation.POSITIVE.check("epsilon", epsilon)
        self.axis, self.epsilon = axis, epsilon
        self.supports_masking = True

    def call(self, inputs):
        """Normalises the inputs, in 32 bits."""
        x = ops.cast(inputs, "float32")
        x = x * ops.rsqrt(ops.mean(ops.square(x), axis=self.axis, keepdims=True) + self.epsilon)
        return ops.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"axis": self.axis, "epsilon": self.epsilon}
