"""Binary cross-entropy."""

from collections.abc import Sequence

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.losses.crossentropy import Crossentropy, check_options, focal_factor
from lab.losses.elementwise import ElementwiseLoss, convert_pair


def binary_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> Tensor:
    """Cross-entropy of two classes, elementwise.

        -(1 - p_t)^gamma (w_1 y log p + w_0 (1 - y) log(1 - p))  with p_t = y p + (1 - y) (1 - p)

    Args:
        y_true: y, in [0, 1].
        y_pred: logits z with p = sigmoid(z), or p itself; of y's shape.
        from_logits: whether y_pred is z. Then log p = -softplus(-z) is exact for any z.
            Probabilities are clipped to [1e-7, 1 - 1e-7].
        label_smoothing: s, in [0, 1]: y becomes (1 - s) y + s/2 (Szegedy et al. 2016).
        gamma: the focusing parameter, >= 0; 0 means no focus (Lin et al. 2017, eq. 4).
        class_weights: (w_0, w_1), or None for 1 and 1.
    """
    check_options(label_smoothing, gamma, class_weights, classes=2)
    y, z = convert_pair(y_true, y_pred)
    y = (1.0 - label_smoothing) * y + 0.5 * label_smoothing
    if not gamma and class_weights is None:
        return ops.binary_crossentropy(y, z, from_logits=from_logits)
    p, q, minus_log_p, minus_log_q = _from_logits(z) if from_logits else _from_probabilities(z)
    w_0, w_1 = class_weights or (1.0, 1.0)
    return (w_1 * y * minus_log_p + w_0 * (1.0 - y) * minus_log_q) * focal_factor(y * q + (1.0 - y) * p, gamma)


def _from_logits(z):
    """(p, 1 - p, -log p, -log(1 - p)) from one exponential, exp(-|z|).

    The gradient is right at z = 0 too, where the branches meet.
    """
    positive = z > 0
    e = ops.exp(ops.where(positive, -z, z))
    rest = ops.log1p(e)
    p, q = ops.where(positive, 1.0, e) / (1.0 + e), ops.where(positive, e, 1.0) / (1.0 + e)
    return p, q, ops.where(positive, 0.0, -z) + rest, ops.where(positive, z, 0.0) + rest


def _from_probabilities(p):
    """(p, 1 - p, -log p, -log(1 - p))."""
    p = ops.clip(p, keras.config.epsilon(), 1.0 - keras.config.epsilon())
    return p, 1.0 - p, -ops.log(p), -ops.log1p(-p)


@keras.saving.register_keras_serializable(package="lab")
class BinaryCrossentropy(Crossentropy, ElementwiseLoss):
    """The mean of `binary_crossentropy` over all elements, which explains the arguments.

    `ElementwiseLoss` explains the sample weights.
    """

    classes = 2

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        return binary_crossentropy(y_true, y_pred, **self.get_options())
