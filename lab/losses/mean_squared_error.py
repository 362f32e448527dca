"""Mean squared error."""

import keras
from keras import ops

from lab.losses.elementwise import ElementwiseLoss, together


def mean_squared_error(y_true, y_pred):
    """(y - y')^2, averaged over the last axis: `[..., D]` -> `[...]`."""
    return ops.mean(squared_error(y_true, y_pred), axis=-1)


def squared_error(y_true, y_pred):
    """(y - y')^2, elementwise."""
    y_true, y_pred = together(y_true, y_pred)
    return ops.square(y_true - y_pred)


@keras.saving.register_keras_serializable(package="lab")
class MeanSquaredError(ElementwiseLoss):
    """The mean of (y - y')^2 over all elements; see `ElementwiseLoss` for weights."""

    def elements(self, y_true, y_pred):
        """The loss of each element."""
        return squared_error(y_true, y_pred)
