"""The projection discriminator's head."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class ProjectionHead(keras.layers.Layer):
    """psi . phi + b + v_y . phi: logits of features phi for a class y (Miyato and Koyama 2018, eq. 3).

    Inputs: `[features [B, D], labels [B] or [B, 1], integers in [0, classes)]` -> `[B, 1]`.

    Args:
        classes: number of classes, >= 1.
        kernel_initializer, embeddings_initializer: of psi and of v.
    """

    def __init__(self, classes, kernel_initializer="glorot_uniform", embeddings_initializer="glorot_uniform", **options):
        super().__init__(**options)
        self.classes = validation.integer("classes", classes)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape):
        """Makes psi, b and the classes' vectors v."""
        features, _ = input_shape
        self.kernel = self.add_weight(shape=(features[-1], 1), initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")
        shape = (self.classes, features[-1])
        self.embeddings = self.add_weight(shape=shape, initializer=self.embeddings_initializer, name="embeddings")

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
        names = ("kernel_initializer", "embeddings_initializer")
        initializers = {name: keras.initializers.serialize(getattr(self, name)) for name in names}
        return super().get_config() | {"classes": self.classes} | initializers
