"""Subsampling with a learnt coefficient and bias: the pooling of LeNet-5."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class Subsampling2D(keras.layers.Layer):
    """w_c sum(x) + b_c over windows that do not overlap.

    `[B, H, W, C]` -> `[B, H // size, W // size, C]`. Source: LeCun et al. 1998, section II.B, S2.

    Args:
        size: side of a window. Incomplete windows at the lower and right edge are dropped.
    """

    def __init__(self, size: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.size = validation.integer("size", size)
        self.pool_size = (self.size, self.size)
        self.strides = (self.size, self.size)
        self.padding = "valid"
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes a coefficient and a bias for each channel. At first the output is the mean."""
        channels = (input_shape[-1],)
        mean = keras.initializers.Constant(1 / self.size**2)
        self.coefficient = self.add_weight(shape=channels, initializer=mean, name="coefficient")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        """The sum of each window, scaled and shifted per channel."""
        sums = ops.average_pool(inputs, self.pool_size, self.strides, data_format="channels_last") * self.size**2
        return sums * ops.cast(self.coefficient, sums.dtype) + ops.cast(self.bias, sums.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Height and width divided by `size`, rounded down."""
        batch, height, width, channels = input_shape
        return batch, height and height // self.size, width and width // self.size, channels

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"size": self.size}
