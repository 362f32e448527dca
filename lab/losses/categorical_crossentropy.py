"""Categorical cross-entropy, with labels as indices or as distributions."""

from collections.abc import Sequence

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.losses.crossentropy import Crossentropy, check_options, focal_factor
from lab.losses.elementwise import convert_pair


def categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> Tensor:
    """-sum_k w_k y_k (1 - p_k)^gamma log p_k over the last axis: `[..., K]` -> `[...]`.

    Args:
        y_true: distributions `[..., K]`, or indices `[...]`, integers in [0, K).
        y_pred: logits z with p = softmax(z), or p itself, `[..., K]`.
        from_logits: whether y_pred is z. Probabilities are normalised to sum 1 and clipped to
            [1e-7, 1 - 1e-7], as in Keras.
        label_smoothing: s, in [0, 1]: y becomes (1 - s) y + s/K (Szegedy et al. 2016, section 7).
        gamma: the focusing parameter, >= 0; 0 means no focus (Lin et al. 2017, eq. 4).
        class_weights: w, `[K]`, or None for ones.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    check_options(label_smoothing, gamma, class_weights, classes=y_pred.shape[-1])
    y_true = ops.convert_to_tensor(y_true)
    sparse = len(y_true.shape) == len(y_pred.shape) - 1
    plain = class_weights is None and not gamma
    if sparse and plain and not label_smoothing:
        return ops.sparse_categorical_crossentropy(ops.cast(y_true, "int32"), y_pred, from_logits=from_logits)
    if sparse:
        y_true = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    y, y_pred = convert_pair(y_true, y_pred)
    y = (1.0 - label_smoothing) * y + label_smoothing / y_pred.shape[-1]
    if plain:
        return ops.categorical_crossentropy(y, y_pred, from_logits=from_logits)
    if from_logits:
        log_p = ops.log_softmax(y_pred, axis=-1)
    else:
        epsilon = keras.config.epsilon()
        p = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
        log_p = ops.log(ops.clip(p, epsilon, 1.0 - epsilon))
    terms = y * log_p
    if gamma:
        terms = terms * focal_factor(1.0 - ops.exp(log_p), gamma)
    if class_weights is not None:
        terms = terms * ops.convert_to_tensor(class_weights, dtype=y_pred.dtype)
    return -ops.sum(terms, axis=-1)


@keras.saving.register_keras_serializable(package="lab")
class CategoricalCrossentropy(Crossentropy):
    """The mean of `categorical_crossentropy` over all labels, which explains the arguments."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each label."""
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1 != y_pred.shape[-1]:
            y_true = ops.squeeze(y_true, -1)  # `fit` turns indices into a column
        return categorical_crossentropy(y_true, y_pred, **self.get_options())
