"""The smooth L1 loss of boxes."""

from typing import Any

import keras

from lab import validation
from lab.engine.types import Tensor
from lab.losses.elementwise import ElementwiseLoss, convert_pair
from lab.losses.huber import huber_error


def smooth_l1(y_true: Tensor, y_pred: Tensor, *, beta: float = 1.0) -> Tensor:
    """The Huber loss over beta, elementwise: its slope is at most 1 for any beta.

        e^2 / (2 beta) where |e| <= beta, |e| - beta / 2 elsewhere,  e = y - y'

    Source: Girshick 2015, "Fast R-CNN", eq. 3, with beta = 1.

    Args:
        y_true, y_pred: y and y', of one shape.
        beta: the |e| from which the loss is linear, > 0.
    """
    validation.POSITIVE.check("beta", beta)
    y_true, y_pred = convert_pair(y_true, y_pred)
    return huber_error(y_true - y_pred, beta) / beta


@keras.saving.register_keras_serializable(package="lab")
class SmoothL1(ElementwiseLoss):
    """The mean of `smooth_l1` over all elements.

    `ElementwiseLoss` explains the sample weights. Weights of 0 leave boxes out.

    Args:
        beta: the |y - y'| from which the loss is linear, > 0.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, beta: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        validation.POSITIVE.check("beta", beta)
        self.beta = beta

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        return smooth_l1(y_true, y_pred, beta=self.beta)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"beta": self.beta}
