"""Maxout."""

import keras

from lab import activations, validation


@keras.saving.register_keras_serializable(package="lab")
class Maxout(keras.layers.Layer):
    """max over j of x W_j + b_j, j = 1..k: `[..., D]` -> `[..., units]` (Goodfellow et al. 2013, eq. 2).

    Args:
        units: outputs, >= 1.
        k: linear pieces of each, >= 1.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: as in `keras.layers.Dense`.
    """

    def __init__(
        self, units, k=2, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
        bias_regularizer=None, **options,
    ):  # fmt: skip
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.k = validation.integer("k", k)
        self.pieces = keras.layers.Dense(
            self.units * self.k, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer, dtype=self.dtype_policy, name="pieces",
        )  # fmt: skip
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the k linear maps, as one."""
        self.pieces.build(input_shape)

    def call(self, inputs):
        """The greatest of the k maps."""
        return activations.maxout(self.pieces(inputs), self.k)

    def compute_output_shape(self, input_shape):
        """The input's with `units` last."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """All arguments."""
        inner = self.pieces.get_config()
        names = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer")
        return super().get_config() | {"units": self.units, "k": self.k} | {name: inner[name] for name in names}

    @classmethod
    def from_config(cls, config):
        """A new layer of this configuration."""
        parts = {name: value for name, value in config.items() if name.endswith(("_initializer", "_regularizer"))}
        parts = {name: keras.saving.deserialize_keras_object(value) if value else None for name, value in parts.items()}
        return cls(**(config | parts))
