"""The head of the projection discriminator."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class ProjectionHead(keras.layers.Layer):
    """Logits psi . phi + b + v_y . phi of features phi and a class y.

    Inputs: `[features [B, D], labels [B] or [B, 1]]`; labels are integers in [0, classes).
    Output: `[B, 1]`. Source: Miyato and Koyama 2018, eq. 3.

    Args:
        classes: number of classes, >= 1.
        kernel_initializer: of psi.
        embeddings_initializer: of the vectors v.
    """

    def __init__(
        self,
        classes: int,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        embeddings_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.classes = validation.integer("classes", classes)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes psi, b and one vector v for each class."""
        features, _ = input_shape
        self.kernel = self.add_weight(shape=(features[-1], 1), initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")
        shape = (self.classes, features[-1])
        self.embeddings = self.add_weight(shape=shape, initializer=self.embeddings_initializer, name="embeddings")

    def call(self, inputs: Tensor) -> Tensor:
        """The logits."""
        features, labels = inputs
        vectors = ops.take(self.embeddings, ops.reshape(ops.cast(labels, "int32"), (-1,)), axis=0)
        return ops.matmul(features, self.kernel) + self.bias + ops.sum(vectors * features, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """One logit per sample."""
        return (input_shape[0][0], 1)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("kernel_initializer", "embeddings_initializer")
        initializers = {name: keras.initializers.serialize(getattr(self, name)) for name in names}
        return super().get_config() | {"classes": self.classes} | initializers
