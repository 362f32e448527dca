"""Layers with an equalised learning rate: weights are standard normal, and scaled at each use."""

from typing import Any

import keras
from keras import ops

from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class EqualizedDense(keras.layers.Dense):
    """f(x W gain / sqrt(fan_in) + b): `[..., D]` -> `[..., units]`. W starts standard normal.

    Source: Karras et al. 2018, section 4.1.

    Args:
        units: number of outputs.
        gain: sqrt(2) for ReLUs, 1 for linear outputs.
        seed: seeds the kernel's initializer.
        **options: those of `keras.layers.Dense`, except `kernel_initializer`.
    """

    def __init__(self, units: int, gain: float = 2**0.5, seed: int | None = None, **options: Any) -> None:
        options.pop("kernel_initializer", None)
        super().__init__(units, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed), **options)
        self.gain = gain
        self.seed = seed

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """f(x W s + b) with the scale s = gain / sqrt(fan_in)."""
        outputs = ops.matmul(inputs, self.kernel) * (self.gain / self.input_spec.axes[-1] ** 0.5)
        outputs = outputs if self.bias is None else outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"gain": self.gain, "seed": self.seed}


@keras.saving.register_keras_serializable(package="lab")
class EqualizedConv2D(keras.layers.Conv2D):
    """`EqualizedDense` for two-dimensional convolutions: `[B, H, W, C]` -> `[B, H', W', filters]`.

    fan_in is the number of channels times the kernel's height and width.

    Args:
        filters, kernel_size: as in `keras.layers.Conv2D`.
        gain: sqrt(2) for ReLUs, 1 for linear outputs.
        seed: seeds the kernel's initializer.
        **options: those of `keras.layers.Conv2D`, except `kernel_initializer`.
    """

    def __init__(
        self, filters: int, kernel_size: int | tuple[int, int], gain: float = 2**0.5, seed: int | None = None, **options: Any
    ) -> None:
        options.pop("kernel_initializer", None)
        super().__init__(
            filters, kernel_size, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed), **options
        )
        self.gain = gain
        self.seed = seed

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution with scaled weights."""
        fan_in = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
        return super().convolution_op(inputs, kernel * ops.cast(self.gain / fan_in**0.5, kernel.dtype))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"gain": self.gain, "seed": self.seed}
