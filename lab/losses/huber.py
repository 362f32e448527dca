"""The Huber loss."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.elementwise import ElementwiseLoss, convert_pair


def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    """`huber_error` of y - y', averaged over the last axis: `[..., D]` -> `[...]`."""
    y_true, y_pred = convert_pair(y_true, y_pred)
    return ops.mean(huber_error(y_true - y_pred, delta), axis=-1)


def huber_error(error: Tensor, delta: float = 1.0) -> Tensor:
    """The Huber loss of an error e, elementwise (Huber 1964).

        e^2 / 2 where |e| <= delta, delta |e| - delta^2 / 2 elsewhere

    Args:
        error: e, a tensor of any shape.
        delta: the |e| from which the loss is linear, > 0.
    """
    validation.POSITIVE.check("delta", delta)
    size = ops.abs(error)
    return ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta**2)


def half_squared_error(error: Tensor) -> Tensor:
    """e^2 / 2 of an error e, elementwise: `huber_error` with an endless delta."""
    return 0.5 * error**2


@keras.saving.register_keras_serializable(package="lab")
class Huber(ElementwiseLoss):
    """The mean of `huber_error` of y - y' over all elements.

    `ElementwiseLoss` explains the sample weights.

    Args:
        delta: the |y - y'| from which the loss is linear, > 0.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, delta: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        validation.POSITIVE.check("delta", delta)
        self.delta = delta

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        y_true, y_pred = convert_pair(y_true, y_pred)
        return huber_error(y_true - y_pred, self.delta)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"delta": self.delta}
