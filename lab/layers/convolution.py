"""Convolution as mathematics defines it: the kernel is flipped.

`keras.layers.Conv1D`, `Conv2D` and `Conv3D` compute cross-correlations, without the flip.
"""

import keras
from keras import ops

from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class Convolution1D(keras.layers.Conv1D):
    """y[t] = sum_s w[s] x[t - s]: `[B, T, C]` -> `[B, T', filters]`.

    The arguments are those of `keras.layers.Conv1D`.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Cross-correlation with the flipped kernel. `Conv1D` has no `convolution_op`."""
        last = self.data_format == "channels_last"
        padding = self.padding
        if padding == "causal":
            before = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
            inputs = ops.pad(inputs, ((0, 0), before, (0, 0)) if last else ((0, 0), (0, 0), before))
            padding = "valid"
        outputs = ops.conv(
            inputs,
            ops.flip(self.kernel, axis=0),
            strides=list(self.strides),
            padding=padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if self.use_bias:
            outputs = ops.add(outputs, ops.reshape(self.bias, (1, 1, self.filters) if last else (1, self.filters, 1)))
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable(package="lab")
class Convolution2D(keras.layers.Conv2D):
    """y[i, j] = sum_uv w[u, v] x[i - u, j - v]: `[B, H, W, C]` -> `[B, H', W', filters]`.

    The arguments are those of `keras.layers.Conv2D`.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Cross-correlation with the flipped kernel."""
        return super().convolution_op(inputs, ops.flip(kernel, axis=(0, 1)))


@keras.saving.register_keras_serializable(package="lab")
class Convolution3D(keras.layers.Conv3D):
    """The same over three axes: `[B, D, H, W, C]` -> `[B, D', H', W', filters]`.

    The arguments are those of `keras.layers.Conv3D`.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Cross-correlation with the flipped kernel."""
        return super().convolution_op(inputs, ops.flip(kernel, axis=(0, 1, 2)))
