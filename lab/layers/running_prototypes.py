"""Classes by the nearest mean of what was labelled so far."""

from typing import Any

import keras
from keras import ops

from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class RunningPrototypes(keras.layers.Layer):
    """Logits of classes at each step, from the means of what was labelled before it.

        c_w(t) = mean of f_s over the steps s < t with label w
        logit_w(t) = -scale |f_t - c_w(t)|^2,   or a learnt number where w was not shown yet

    Inputs: [f `[B, T, E]`, labels `[B, T, ways]`], in which row t is the label of step t - 1,
    one-hot, as in `lab.data.episodes`. Output: `[B, T, ways]`.

    Source: Snell et al. 2017, eq. 1 and 2, with prototypes that grow step by step.
    """

    def build(self, input_shape: Any) -> None:
        """Makes the scale, which starts at 1, and the logit of a class not shown yet, at -1."""
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.unseen = self.add_weight(shape=(), initializer=keras.initializers.Constant(-1.0), name="unseen")

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """The logits."""
        embedded, labels = inputs
        before = ops.pad(embedded[:, :-1], [[0, 0], [1, 0], [0, 0]])  # f_{t-1}
        counts = ops.cumsum(labels, axis=1)  # [B, T, ways]
        sums = ops.cumsum(labels[..., None] * before[:, :, None, :], axis=1)  # [B, T, ways, E]
        means = sums / ops.maximum(counts, 1)[..., None]
        distances = ops.sum(ops.square(embedded[:, :, None, :] - means), axis=-1)
        return ops.where(counts > 0, -self.scale * distances, self.unseen + ops.zeros_like(distances))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """That of the labels."""
        return tuple(input_shape[1])
