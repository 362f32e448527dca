"""Batch normalisation with a scale and a shift of each class."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class ConditionalBatchNormalization(keras.layers.Layer):
    """gamma_y (x - mean) / sqrt(variance + epsilon) + beta_y, with the class y of each sample (Dumoulin et al. 2017, eq. 5).

    Inputs: `[features [B, ..., C], labels [B] or [B, 1], integers in [0, classes)]` -> `[B, ..., C]`.

    Args:
        classes: number of classes, >= 1.
        momentum: of the moving statistics.
        epsilon: > 0.
    """

    def __init__(self, classes, momentum=0.99, epsilon=1e-3, **options):
        super().__init__(**options)
        self.classes = validation.integer("classes", classes)
        self.momentum = momentum
        self.epsilon = epsilon
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, center=False, scale=False, dtype=self.dtype_policy, name="normalization"
        )

    def build(self, input_shape):
        """Makes the statistics, gamma and beta."""
        features, _ = input_shape
        shape = (self.classes, features[-1])
        self.normalization.build(features)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, inputs, training=None):
        """Normalises, then scales and shifts by class."""
        features, labels = inputs
        x = self.normalization(features, training=training)
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        shape = (-1, *(1 for _ in features.shape[1:-1]), features.shape[-1])
        gamma, beta = (ops.reshape(ops.take(weight, labels, axis=0), shape) for weight in (self.gamma, self.beta))
        return gamma * x + beta

    def compute_output_shape(self, input_shape):
        """The features' shape."""
        return tuple(input_shape[0])

    def get_config(self):
        """All arguments."""
        names = ("classes", "momentum", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
