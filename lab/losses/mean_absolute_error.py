"""Mean absolute error, and the quantile (pinball) loss, which contains it as a special case."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.elementwise import ElementwiseLoss, convert_pair


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """|y - y'|, averaged over the last axis: `[..., D]` -> `[...]`."""
    return ops.mean(absolute_error(y_true, y_pred), axis=-1)


def absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """|y - y'|, elementwise."""
    y_true, y_pred = convert_pair(y_true, y_pred)
    return ops.abs(y_true - y_pred)


def quantile_error(y_true: Tensor, y_pred: Tensor, quantile: float = 0.5) -> Tensor:
    """max(tau e, (tau - 1) e) with e = y - y', elementwise (Koenker and Bassett 1978).

    The tau-quantile of y minimises its mean.

    Args:
        y_true: y, of any shape.
        y_pred: y', of the same shape.
        quantile: tau, in (0, 1). With 0.5 the loss is half the absolute error.
    """
    validation.Interval(over=0, below=1).check("quantile", quantile)
    y_true, y_pred = convert_pair(y_true, y_pred)
    error = y_true - y_pred
    return ops.maximum(quantile * error, (quantile - 1) * error)


@keras.saving.register_keras_serializable(package="lab")
class MeanAbsoluteError(ElementwiseLoss):
    """The mean of |y - y'| over all elements. `ElementwiseLoss` explains the sample weights."""

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        return absolute_error(y_true, y_pred)


@keras.saving.register_keras_serializable(package="lab")
class Quantile(ElementwiseLoss):
    """The mean of `quantile_error` over all elements.

    Args:
        quantile: tau, in (0, 1).
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, quantile: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        self.quantile = validation.Interval(over=0, below=1).check("quantile", quantile)

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        return quantile_error(y_true, y_pred, self.quantile)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"quantile": self.quantile}
