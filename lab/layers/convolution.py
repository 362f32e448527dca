"""Convolution in the mathematician's sense: the kernel is flipped, unlike in the cross-correlation of `keras.layers.Conv`."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="lab")
class Convolution1D(keras.layers.Conv1D):
    """y[t] = sum_s w[s] x[t - s]: `[B, T, C]` -> `[B, T', filters]`. All arguments are those of `keras.layers.Conv1D`."""

    def convolution_op(self, inputs, kernel):
        """Cross-correlation with the flipped kernel."""
        return super().convolution_op(inputs, ops.flip(kernel, axis=0))


@keras.saving.register_keras_serializable(package="lab")
class Convolution2D(keras.layers.Conv2D):
    """y[i, j] = sum_uv w[u, v] x[i - u, j - v]: `[B, H, W, C]` -> `[B, H', W', filters]`. Arguments: `keras.layers.Conv2D`."""

    def convolution_op(self, inputs, kernel):
        """Cross-correlation with the flipped kernel."""
        return super().convolution_op(inputs, ops.flip(kernel, axis=(0, 1)))


@keras.saving.register_keras_serializable(package="lab")
class Convolution3D(keras.layers.Conv3D):
    """The same over three axes: `[B, D, H, W, C]` -> `[B, D', H', W', filters]`. Arguments: `keras.layers.Conv3D`."""

    def convolution_op(self, inputs, kernel):
        """Cross-correlation with the flipped kernel."""
        return super().convolution_op(inputs, ops.flip(kernel, axis=(0, 1, 2)))
