"""Mean absolute error, and the quantile (pinball) loss of which it is a case."""

import keras
from keras import ops

from lab import validation
from lab.losses.elementwise import ElementwiseLoss, together


def mean_absolute_error(y_true, y_pred):
    """|y - y'|, averaged over the last axis: `[..., D]` -> `[...]`."""
    return ops.mean(absolute_error(y_true, y_pred), axis=-1)


def absolute_error(y_true, y_pred):
    """|y - y'|, elementwise."""
    y_true, y_pred = together(y_true, y_pred)
    return ops.abs(y_true - y_pred)


def quantile_error(y_true, y_pred, quantile=0.5):
    """max(tau e, (tau - 1) e) with e = y - y', elementwise (Koenker and Bassett 1978); its minimum is the tau-quantile.

    Args:
        quantile: tau, in (0, 1); 0.5 gives half the absolute error.
    """
    validation.Interval(over=0, below=1).check("quantile", quantile)
    y_true, y_pred = together(y_true, y_pred)
    error = y_true - y_pred
    return ops.maximum(quantile * error, (quantile - 1) * error)


@keras.saving.register_keras_serializable(package="lab")
class MeanAbsoluteError(ElementwiseLoss):
    """The mean of |y - y'| over all elements; see `ElementwiseLoss` for weights."""

    def elements(self, y_true, y_pred):
        """The loss of each element."""
        return absolute_error(y_true, y_pred)


@keras.saving.register_keras_serializable(package="lab")
class Quantile(ElementwiseLoss):
    """The mean of `quantile_error` over all elements.

    Args:
        quantile: tau, in (0, 1).
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, quantile=0.5, **options):
        super().__init__(**options)
        self.quantile = validation.Interval(over=0, below=1).check("quantile", quantile)

    def elements(self, y_true, y_pred):
        """The loss of each element."""
        return quantile_error(y_true, y_pred, self.quantile)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"quantile": self.quantile}
