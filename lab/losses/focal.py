"""Focal losses of detectors: rare objects among many places where nothing is."""

from keras import ops

from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy


def sigmoid_focal(y_true: Tensor, y_pred: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """-a_t (1 - p_t)^gamma log p_t of each number, with p_t the probability of what is true.

    Source: Lin et al. 2017, eq. 5.

    Args:
        y_true: 0 or 1, `[...]`.
        y_pred: logits, `[...]`.
        alpha: weight of ones; that of zeros is 1 - alpha.
        gamma: how little easy places count, >= 0.
    """
    p = ops.sigmoid(y_pred)
    miss = y_true * (1 - p) + (1 - y_true) * p
    weight = y_true * alpha + (1 - y_true) * (1 - alpha)
    return weight * _raised(miss, gamma) * binary_crossentropy(y_true, y_pred)


def penalty_reduced_focal(y_true: Tensor, y_pred: Tensor, *, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """The loss of a heat map, of each number.

        -(1 - p)^alpha log p                 where y = 1
        -(1 - y)^beta p^alpha log(1 - p)     elsewhere: near a centre, where y is nearly 1, less

    Source: Law and Deng 2018, eq. 1; Zhou et al. 2019, eq. 1.

    Args:
        y_true: 0 to 1, `[...]`.
        y_pred: logits, `[...]`.
        alpha, beta: exponents, >= 0.
    """
    p = ops.sigmoid(y_pred)
    at_centre = _raised(1 - p, alpha) * ops.softplus(-y_pred)
    elsewhere = _raised(1 - y_true, beta) * _raised(p, alpha) * ops.softplus(y_pred)
    return ops.where(y_true >= 1, at_centre, elsewhere)


def _raised(x, exponent):
    """x to the power of a number >= 0. The usual ones are products, which are faster."""
    if exponent == 2:
        return ops.square(x)
    return ops.square(ops.square(x)) if exponent == 4 else x**exponent
