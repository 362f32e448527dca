"""Layers with an equalised learning rate: weights are standard normal and scaled whenever they are used."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="lab")
class EqualizedDense(keras.layers.Dense):
    """f(x (gain / sqrt(fan_in)) W + b) with W standard normal at the start (Karras et al. 2018, section 4.1).

    Args:
        units: outputs.
        gain: sqrt(2) for ReLUs, 1 for linear outputs.
        seed: of the kernel's initializer.
        **options: those of `keras.layers.Dense`, but for the kernel's initializer.
    """

    def __init__(self, units, gain=2**0.5, seed=None, **options):
        options.pop("kernel_initializer", None)
        super().__init__(units, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed), **options)
        self.gain, self.seed = gain, seed

    def call(self, inputs, training=None):
        """f(s x W + b), s the scale."""
        outputs = ops.matmul(inputs, self.kernel) * (self.gain / self.input_spec.axes[-1] ** 0.5)
        outputs = outputs if self.bias is None else outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"gain": self.gain, "seed": self.seed}


@keras.saving.register_keras_serializable(package="lab")
class EqualizedConv2D(keras.layers.Conv2D):
    """As `EqualizedDense`, for two-dimensional convolutions; fan_in is channels times the kernel's positions.

    Args:
        filters, kernel_size: as in `keras.layers.Conv2D`.
        gain: sqrt(2) for ReLUs, 1 for linear outputs.
        seed: of the kernel's initializer.
        **options: those of `keras.layers.Conv2D`, but for the kernel's initializer.
    """

    def __init__(self, filters, kernel_size, gain=2**0.5, seed=None, **options):
        options.pop("kernel_initializer", None)
        super().__init__(
            filters, kernel_size, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed), **options
        )
        self.gain, self.seed = gain, seed

    def convolution_op(self, inputs, kernel):
        """The convolution with scaled weights."""
        fan_in = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
        return super().convolution_op(inputs, kernel * ops.cast(self.gain / fan_in**0.5, kernel.dtype))

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"gain": self.gain, "seed": self.seed}
