"""Subsampling with a learnt coefficient and bias, LeNet-5's pooling."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class Subsampling2D(keras.layers.Layer):
    """w_c Σ x + b_c over windows that do not overlap: `[B, H, W, C]` -> `[B, H / size, W / size, C]` (LeCun et al. 1998, section II.B, S2).

    Args:
        size: side of a window; what is left at the lower and right edge is dropped.
    """

    def __init__(self, size=2, **options):
        super().__init__(**options)
        self.size = validation.integer("size", size)
        self.pool_size = self.strides = (self.size, self.size)
        self.padding = "valid"
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        """Makes a coefficient, at first that of the mean, and a bias for each channel."""
        channels = (input_shape[-1],)
        mean = keras.initializers.Constant(1 / self.size**2)
        self.coefficient = self.add_weight(shape=channels, initializer=mean, name="coefficient")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")

    def call(self, inputs):
        """The sums, each channel's as much as it has learnt."""
        sums = ops.average_pool(inputs, self.pool_size, self.strides, data_format="channels_last") * self.size**2
        return sums * ops.cast(self.coefficient, sums.dtype) + ops.cast(self.bias, sums.dtype)

    def compute_output_shape(self, input_shape):
        """Height and width over `size`, rounded down."""
        batch, height, width, channels = input_shape
        return batch, height and height // self.size, width and width // self.size, channels

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"size": self.size}
