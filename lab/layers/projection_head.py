"""The projection discriminator's head."""

import keras
from keras import ops

from lab import checks


@keras.saving.register_keras_serializable(package="lab")
class ProjectionHead(keras.layers.Layer):
    """psi . phi + b + v_y . phi: logits of features phi for a class y (Miyato and Koyama 2018, eq. 3).

    Inputs: `[features [B, D], labels [B] or [B, 1], integers in [0, classes)]` -> `[B, 1]`.

    Args:
        classes: number of classes, >= 1.
    """

    def __init__(self, classes, **options):
        super().__init__(**options)
        self.classes = checks.integer("classes", classes)

    def build(self, input_shape):
        """Makes psi, b and the classes' vectors v."""
        features, _ = input_shape
        self.kernel = self.add_weight(shape=(features[-1], 1), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")
        self.embeddings = self.add_weight(shape=(self.classes, features[-1]), initializer="glorot_uniform", name="embeddings")

    def call(self, inputs):
        """The logits."""
        features, labels = inputs
        vectors = ops.take(self.embeddings, ops.reshape(ops.cast(labels, "int32"), (-1,)), axis=0)
        return ops.matmul(features, self.kernel) + self.bias + ops.sum(vectors * features, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape):
        """One logit per sample."""
        return (input_shape[0][0], 1)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"classes": self.classes}
