"""Mean squared error."""

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.losses.elementwise import ElementwiseLoss, convert_pair


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """(y - y')^2, averaged over the last axis: `[..., D]` -> `[...]`."""
    return ops.mean(squared_error(y_true, y_pred), axis=-1)


def squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """(y - y')^2, elementwise."""
    y_true, y_pred = convert_pair(y_true, y_pred)
    return ops.square(y_true - y_pred)


@keras.saving.register_keras_serializable(package="lab")
class MeanSquaredError(ElementwiseLoss):
    """The mean of (y - y')^2 over all elements. `ElementwiseLoss` explains the sample weights."""

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element: `[..., D]` -> the same."""
        return squared_error(y_true, y_pred)
