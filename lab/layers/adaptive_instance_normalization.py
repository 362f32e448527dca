"""Adaptive instance normalisation."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """(1 + s) (x - mean) / sqrt(variance + epsilon) + b over each sample's positions, s and b linear in a style.

    (Huang and Belongie 2017, eq. 8; with learnt styles Karras et al. 2019, eq. 1.) Inputs: `[features [B, *spatial, C], style [B, D]]`
    -> `[B, *spatial, C]`. The weights of s and b start at 0, so that the layer starts as an instance normalisation.

    Args:
        epsilon: > 0.
    """

    def __init__(self, epsilon=1e-5, **options):
        super().__init__(**options)
        validation.POSITIVE.check("epsilon", epsilon)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Makes the linear map from style to scales and shifts."""
        features, _style = self._shapes(input_shape)
        self.affine = keras.layers.Dense(2 * features[-1], kernel_initializer="zeros", dtype=self.dtype_policy, name="affine")
        self.affine.build(_style)

    def call(self, inputs):
        """Normalises features and gives them the style."""
        features, style = inputs
        axes = tuple(range(1, len(features.shape) - 1))
        x = ops.cast(features, "float32")
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        x = ops.cast((x - mean) * ops.rsqrt(variance + self.epsilon), features.dtype)
        affine = self.affine(style)
        affine = ops.reshape(affine, (-1, *(1 for _ in axes), affine.shape[-1]))
        scale, shift = ops.split(affine, 2, axis=-1)
        return (1 + scale) * x + shift

    def compute_output_shape(self, input_shape):
        """The features' shape."""
        return tuple(self._shapes(input_shape)[0])

    def _shapes(self, input_shape):
        if len(input_shape) != 2 or len(input_shape[0]) < 3 or len(input_shape[1]) != 2:
            raise ValueError(f"inputs: expected shapes [B, *spatial, C] and [B, D], received {input_shape}.")
        return input_shape

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"epsilon": self.epsilon}
