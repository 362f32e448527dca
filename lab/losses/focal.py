"""Focal losses of detectors: rare objects among many places where nothing is."""

from keras import ops

from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy
from lab.losses.crossentropy import focal_factor
from lab.losses.elementwise import convert_pair
from lab.validation import NOT_NEGATIVE, UNIT


def sigmoid_focal(y_true: Tensor, y_pred: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """-a_t (1 - p_t)^gamma log p_t of each number, with p_t the probability of what is true.

    It is `binary_crossentropy` with these weights. Source: Lin et al. 2017, eq. 5.

    Args:
        y_true: 0 or 1, `[...]`.
        y_pred: logits, of y_true's shape.
        alpha: weight of ones, in 0..1; that of zeros is 1 - alpha.
        gamma: how little easy places count, >= 0.
    """
    UNIT.check("alpha", alpha)
    return binary_crossentropy(y_true, y_pred, gamma=gamma, class_weights=(1 - alpha, alpha))


def penalty_reduced_focal(y_true: Tensor, y_pred: Tensor, *, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """The loss of a heat map, of each number.

        -(1 - p)^alpha log p                 where y = 1
        -(1 - y)^beta p^alpha log(1 - p)     elsewhere: near a centre, where y is nearly 1, less

    Source: Law and Deng 2018, eq. 1; Zhou et al. 2019, eq. 1.

    Args:
        y_true: 0 to 1, `[...]`.
        y_pred: logits, of y_true's shape.
        alpha, beta: exponents, >= 0.
    """
    NOT_NEGATIVE.check("alpha", alpha)
    NOT_NEGATIVE.check("beta", beta)
    y, z = convert_pair(y_true, y_pred)
    p = ops.sigmoid(z)
    at_centre = focal_factor(1 - p, alpha) * ops.softplus(-z)
    elsewhere = focal_factor(1 - y, beta) * focal_factor(p, alpha) * ops.softplus(z)
    return ops.where(y >= 1, at_centre, elsewhere)
