"""Huber's loss."""

import keras
from keras import ops

from lab import validation
from lab.losses.elementwise import ElementwiseLoss, together


def huber(y_true, y_pred, delta=1.0):
    """`huber_error` of y - y', averaged over the last axis: `[..., D]` -> `[...]`."""
    y_true, y_pred = together(y_true, y_pred)
    return ops.mean(huber_error(y_true - y_pred, delta), axis=-1)


def huber_error(error, delta=1.0):
    """e^2/2 where |e| <= delta, delta |e| - delta^2/2 beyond, elementwise in an error (Huber 1964).

    Args:
        error: e, a tensor of any shape.
        delta: where the square becomes linear, a number > 0.
    """
    validation.POSITIVE.check("delta", delta)
    size = ops.abs(error)
    return ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta**2)


@keras.saving.register_keras_serializable(package="lab")
class Huber(ElementwiseLoss):
    """The mean of `huber_error` of y - y' over all elements; see `ElementwiseLoss` for weights.

    Args:
        delta: where the square becomes linear, > 0.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, delta=1.0, **options):
        super().__init__(**options)
        validation.POSITIVE.check("delta", delta)
        self.delta = delta

    def elements(self, y_true, y_pred):
        """The loss of each element."""
        y_true, y_pred = together(y_true, y_pred)
        return huber_error(y_true - y_pred, self.delta)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"delta": self.delta}
