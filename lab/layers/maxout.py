"""The maxout layer."""

from typing import Any

import keras

from lab import activations, validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class Maxout(keras.layers.Layer):
    """max_j (x W_j + b_j) over j = 1, ..., k: `[..., D]` -> `[..., units]`.

    Source: Goodfellow et al. 2013, eq. 2.

    Args:
        units: number of outputs, >= 1.
        k: linear pieces of each output, >= 1.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.
        kernel_regularizer, bias_regularizer: as in `keras.layers.Dense`.
    """

    def __init__(
        self,
        units: int,
        k: int = 2,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        kernel_regularizer: str | keras.regularizers.Regularizer | None = None,
        bias_regularizer: str | keras.regularizers.Regularizer | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.k = validation.integer("k", k)
        self.pieces = keras.layers.Dense(
            self.units * self.k,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            dtype=self.dtype_policy,
            name="pieces",
        )
        self.supports_masking = True

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the k linear maps as one dense layer."""
        self.pieces.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum over the k maps."""
        return activations.maxout(self.pieces(inputs), self.k)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `units` last."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        inner = self.pieces.get_config()
        names = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer")
        return super().get_config() | {"units": self.units, "k": self.k} | {name: inner[name] for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> keras.layers.Layer:
        """A new layer from its configuration."""
        parts = {name: value for name, value in config.items() if name.endswith(("_initializer", "_regularizer"))}
        parts = {name: keras.saving.deserialize_keras_object(value) if value else None for name, value in parts.items()}
        return cls(**(config | parts))
