"""Batch normalisation with a scale and a shift for each class."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Batch normalisation whose scale and shift depend on the sample's class y.

        gamma_y (x - mean) / sqrt(variance + epsilon) + beta_y

    Inputs: `[features [B, ..., C], labels [B] or [B, 1]]`; labels are integers in [0, classes).
    Output: `[B, ..., C]`. Source: Dumoulin et al. 2017, eq. 5.

    Args:
        classes: number of classes, >= 1.
        momentum: decay of the moving mean and variance.
        epsilon: added to the variance, > 0.
    """

    def __init__(self, classes: int, momentum: float = 0.99, epsilon: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.classes = validation.integer("classes", classes)
        self.momentum = momentum
        self.epsilon = epsilon
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, center=False, scale=False, dtype=self.dtype_policy, name="normalization"
        )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the moving statistics, gamma and beta."""
        features, _ = input_shape
        shape = (self.classes, features[-1])
        self.normalization.build(features)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Normalises, then scales and shifts by class."""
        features, labels = inputs
        x = self.normalization(features, training=training)
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        shape = (-1, *(1 for _ in features.shape[1:-1]), features.shape[-1])
        gamma, beta = (ops.reshape(ops.take(weight, labels, axis=0), shape) for weight in (self.gamma, self.beta))
        return gamma * x + beta

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the features."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("classes", "momentum", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
