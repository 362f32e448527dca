"""Cross-entropy of two classes."""

import keras
from keras import ops

from lab.losses.crossentropy import Crossentropy, check, focus
from lab.losses.elementwise import ElementwiseLoss, together


def binary_crossentropy(y_true, y_pred, *, from_logits=True, label_smoothing=0.0, gamma=0.0, class_weights=None):
    """-(1 - p_t)^gamma (w_1 y log p + w_0 (1-y) log(1-p)), elementwise; p_t = y p + (1-y) (1-p).

    Args:
        y_true: y, in [0, 1].
        y_pred: z with p = sigmoid(z), or p itself, of y's shape.
        from_logits: whether y_pred is z; log p = -softplus(-z) is then exact for any z. Probabilities are kept 1e-7 from 0 and 1.
        label_smoothing: s, in [0, 1]: y becomes (1-s) y + s/2 (Szegedy et al. 2016).
        gamma: focus on what is misjudged, >= 0 (Lin et al. 2017, eq. 4).
        class_weights: (w_0, w_1), or None for 1 and 1.
    """
    check(label_smoothing, gamma, class_weights, classes=2)
    y, z = together(y_true, y_pred)
    y = (1.0 - label_smoothing) * y + 0.5 * label_smoothing
    if not gamma and class_weights is None:
        return ops.binary_crossentropy(y, z, from_logits=from_logits)
    p, q, minus_log_p, minus_log_q = _of_logits(z) if from_logits else _of_probabilities(z)
    low, high = class_weights or (1.0, 1.0)
    return (high * y * minus_log_p + low * (1.0 - y) * minus_log_q) * focus(y * q + (1.0 - y) * p, gamma)


def _of_logits(z):
    """(p, 1-p, -log p, -log(1-p)) from one exponential, e = exp(-|z|); the branches have the right slope at z = 0 too."""
    positive = z > 0
    e = ops.exp(ops.where(positive, -z, z))
    rest = ops.log1p(e)
    p, q = ops.where(positive, 1.0, e) / (1.0 + e), ops.where(positive, e, 1.0) / (1.0 + e)
    return p, q, ops.where(positive, 0.0, -z) + rest, ops.where(positive, z, 0.0) + rest


def _of_probabilities(p):
    """(p, 1-p, -log p, -log(1-p))."""
    p = ops.clip(p, keras.config.epsilon(), 1.0 - keras.config.epsilon())
    return p, 1.0 - p, -ops.log(p), -ops.log1p(-p)


@keras.saving.register_keras_serializable(package="lab")
class BinaryCrossentropy(Crossentropy, ElementwiseLoss):
    """The mean of `binary_crossentropy` over all elements; see there for the arguments, `ElementwiseLoss` for weights."""

    classes = 2

    def elements(self, y_true, y_pred):
        """The loss of each element."""
        return binary_crossentropy(y_true, y_pred, **self.get_options())
