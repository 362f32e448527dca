"""Adaptive instance normalisation."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers.instance_normalization import instance_normalized


@keras.saving.register_keras_serializable(package="lab")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Normalises each channel of each sample, then scales and shifts it by a style.

        y = (1 + s) (x - mean) / sqrt(variance + epsilon) + b

    Mean and variance are over the positions of one sample. s and b are linear in the style. Their
    weights start at 0, so the layer starts as an instance normalisation.

    Inputs: `[features [B, *spatial, C], style [B, D]]`. Output: `[B, *spatial, C]`.
    Source: Huang and Belongie 2017, eq. 8; with learnt styles Karras et al. 2019, eq. 1.

    Args:
        epsilon: added to the variance, > 0.
    """

    def __init__(self, epsilon: float = 1e-5, **options: Any) -> None:
        super().__init__(**options)
        validation.POSITIVE.check("epsilon", epsilon)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the linear map from the style to scales and shifts."""
        features, style = self._shapes(input_shape)
        self.affine = keras.layers.Dense(2 * features[-1], kernel_initializer="zeros", dtype=self.dtype_policy, name="affine")
        self.affine.build(style)

    def call(self, inputs: Tensor) -> Tensor:
        """Normalises the features and applies the style."""
        features, style = inputs
        x = ops.cast(instance_normalized(ops.cast(features, "float32"), self.epsilon), features.dtype)
        affine = self.affine(style)
        affine = ops.reshape(affine, (-1, *[1] * (len(features.shape) - 2), affine.shape[-1]))
        scale, shift = ops.split(affine, 2, axis=-1)
        return (1 + scale) * x + shift

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the features."""
        return tuple(self._shapes(input_shape)[0])

    def _shapes(self, input_shape):
        if len(input_shape) != 2 or len(input_shape[0]) < 3 or len(input_shape[1]) != 2:
            raise ValueError(f"inputs: expected shapes [B, *spatial, C] and [B, D], received {input_shape}.")
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"epsilon": self.epsilon}
