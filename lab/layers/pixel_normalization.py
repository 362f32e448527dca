"""Pixelwise feature normalisation."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class PixelNormalization(keras.layers.Layer):
    """Divides the channels of each position by their root mean square: `[..., C]` -> `[..., C]`.

        y = x / sqrt(mean_c x_c^2 + epsilon)

    Source: Karras et al. 2018, section 4.2.

    Args:
        axis: the axis of the channels.
        epsilon: added to the mean square, > 0.
    """

    def __init__(self, axis: int = -1, epsilon: float = 1e-8, **options: Any) -> None:
        super().__init__(**options)
        validation.POSITIVE.check("epsilon", epsilon)
        self.axis = axis
        self.epsilon = epsilon
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        """Normalises the inputs, in float32."""
        x = ops.cast(inputs, "float32")
        x = x * ops.rsqrt(ops.mean(ops.square(x), axis=self.axis, keepdims=True) + self.epsilon)
        return ops.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"axis": self.axis, "epsilon": self.epsilon}
