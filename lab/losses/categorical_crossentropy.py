"""Cross-entropy of many classes, with labels as indices or as distributions."""

import keras
from keras import ops

from lab.losses.crossentropy import Crossentropy, check, focus
from lab.losses.elementwise import together


def categorical_crossentropy(y_true, y_pred, *, from_logits=True, label_smoothing=0.0, gamma=0.0, class_weights=None):
    """-sum_k w_k y_k (1 - p_k)^gamma log p_k over the last axis: `[..., K]` -> `[...]`.

    Args:
        y_true: distributions `[..., K]`, or indices `[...]`, integers in [0, K).
        y_pred: z with p = softmax(z), or p itself, `[..., K]`.
        from_logits: whether y_pred is z; probabilities are rescaled to sum 1 and kept 1e-7 from 0 and 1, as in Keras.
        label_smoothing: s, in [0, 1]: y becomes (1-s) y + s/K (Szegedy et al. 2016, section 7).
        gamma: focus on what is misjudged, >= 0 (Lin et al. 2017, eq. 4).
        class_weights: w, `[K]`, or None for ones.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    check(label_smoothing, gamma, class_weights, classes=y_pred.shape[-1])
    y_true = ops.convert_to_tensor(y_true)
    sparse = len(y_true.shape) == len(y_pred.shape) - 1
    plain = class_weights is None and not gamma
    if sparse and plain and not label_smoothing:
        return ops.sparse_categorical_crossentropy(ops.cast(y_true, "int32"), y_pred, from_logits=from_logits)
    if sparse:
        y_true = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    y, y_pred = together(y_true, y_pred)
    y = (1.0 - label_smoothing) * y + label_smoothing / y_pred.shape[-1]
    if plain:
        return ops.categorical_crossentropy(y, y_pred, from_logits=from_logits)
    if from_logits:
        log_p = ops.log_softmax(y_pred, axis=-1)
    else:
        edge = keras.config.epsilon()
        log_p = ops.log(ops.clip(y_pred / ops.sum(y_pred, axis=-1, keepdims=True), edge, 1.0 - edge))
    terms = y * log_p
    if gamma:
        terms = terms * focus(1.0 - ops.exp(log_p), gamma)
    if class_weights is not None:
        terms = terms * ops.convert_to_tensor(class_weights, dtype=y_pred.dtype)
    return -ops.sum(terms, axis=-1)


@keras.saving.register_keras_serializable(package="lab")
class CategoricalCrossentropy(Crossentropy):
    """The mean of `categorical_crossentropy` over all labels; see there for the arguments."""

    def call(self, y_true, y_pred):
        """The loss of each label."""
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1 != y_pred.shape[-1]:
            y_true = ops.squeeze(y_true, -1)  # `fit` makes a column of indices
        return categorical_crossentropy(y_true, y_pred, **self.get_options())
