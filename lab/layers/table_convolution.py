"""A convolution whose filters see only some of the channels, LeNet-5's C3."""

import keras
import numpy as np
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class TableConvolution2D(keras.layers.Layer):
    """A valid convolution in which filter f sees channel c where `table[c][f]` is 1: `[B, H, W, C]` -> `[B, H', W', F]`.

    LeCun et al. 1998, section II.B and table I; the filters that the table leaves out have no weights.

    Args:
        table: C rows of F zeros and ones.
        size: side of the filters.
        kernel_initializer: of the weights of one filter and channel.
    """

    def __init__(self, table, size=5, kernel_initializer="glorot_uniform", **options):
        super().__init__(**options)
        seen = np.asarray(table)
        if seen.ndim != 2 or not np.isin(seen, (0, 1)).all() or not seen.any(axis=0).all():
            raise ValueError(f"table: expected rows of 0 and 1, a 1 in each column, received {table!r}.")
        self.table = seen.astype(int).tolist()
        self.size = validation.integer("size", size)
        self.kernel_size = (self.size,) * 2
        self.strides = (1, 1)
        self.dilation_rate = (1, 1)
        self.padding = "valid"
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: len(self.table)})

    def build(self, input_shape):
        """Makes a filter `[size, size]` for each 1 of the table."""
        links = int(np.sum(self.table))
        self.kernel = self.add_weight(shape=(self.size, self.size, links), initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(len(self.table[0]),), initializer="zeros", name="bias")

    def call(self, inputs):
        """The convolution with the filters in their places and zeros elsewhere."""
        seen = np.asarray(self.table)
        places = np.where(seen.ravel(), np.cumsum(seen.ravel()) - 1, 0)
        kernel = ops.take(self.kernel, places, axis=-1)
        kernel = ops.multiply(ops.cast(kernel, self.compute_dtype), seen.ravel().astype("float32"))
        kernel = ops.cast(ops.reshape(kernel, (self.size, self.size, *seen.shape)), self.compute_dtype)
        return ops.conv(inputs, kernel, padding="valid", data_format="channels_last") + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Height and width less `size` - 1, and F channels."""
        batch, height, width, _ = input_shape
        height, width = (side if side is None else side - self.size + 1 for side in (height, width))
        return batch, height, width, len(self.table[0])

    def get_config(self):
        """All arguments."""
        return super().get_config() | {
            "table": self.table, "size": self.size, "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)
        }  # fmt: skip
