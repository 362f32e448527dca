"""A convolution whose filters see only some of the channels: C3 of LeNet-5."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class TableConvolution2D(keras.layers.Layer):
    """A valid convolution whose filter f sees only the channels c where `table[c][f]` is 1.

    `[B, H, W, C]` -> `[B, H', W', F]`. There are no weights where the table is 0.
    Source: LeCun et al. 1998, section II.B and table I.

    Args:
        table: C rows of F zeros and ones.
        size: side of the filters.
        kernel_initializer: of the weights `[size, size, number of ones]`.
    """

    def __init__(
        self,
        table: np.typing.ArrayLike,
        size: int = 5,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        links = np.asarray(table)
        if links.ndim != 2 or not np.isin(links, (0, 1)).all() or not links.any(axis=0).all():
            raise ValueError(f"table: expected rows of 0 and 1, a 1 in each column, received {table!r}.")
        self.table = links.astype(int).tolist()
        self.size = validation.integer("size", size)
        self.kernel_size = (self.size,) * 2
        self.strides = (1, 1)
        self.dilation_rate = (1, 1)
        self.padding = "valid"
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: len(self.table)})

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes a filter `[size, size]` for each 1 in the table, and the biases."""
        shape = (self.size, self.size, int(np.sum(self.table)))
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(len(self.table[0]),), initializer="zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution with a dense kernel that is 0 where the table is."""
        links = np.asarray(self.table)
        indices = np.where(links.ravel(), np.cumsum(links.ravel()) - 1, 0)
        kernel = ops.take(self.kernel, indices, axis=-1)
        kernel = ops.multiply(ops.cast(kernel, self.compute_dtype), links.ravel().astype("float32"))
        kernel = ops.cast(ops.reshape(kernel, (self.size, self.size, *links.shape)), self.compute_dtype)
        return ops.conv(inputs, kernel, padding="valid", data_format="channels_last") + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Height and width are smaller by `size` - 1. There are F channels."""
        batch, height, width, _ = input_shape
        height, width = (side if side is None else side - self.size + 1 for side in (height, width))
        return batch, height, width, len(self.table[0])

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "table": self.table,
            "size": self.size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
