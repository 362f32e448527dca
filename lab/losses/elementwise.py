"""The base of losses that are averages over elements."""

import keras
from keras import ops

from lab.engine.types import Tensor


class ElementwiseLoss(keras.losses.Loss):
    """A loss that has one number per element and averages them over the last axis.

    The subclass defines `elements`.

    Weights may be per sample, as in Keras, or per element. Weights with fewer axes than the
    predictions, such as `[B]` for `[B, H, W, C]`, are broadcast over the missing axes. A reduction
    that divides by the sum of the weights counts each broadcast weight. Weights of one change no
    reduction.
    """

    def elements(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each element, in the shape of the predictions."""
        raise NotImplementedError

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The mean over the last axis: `[..., D]` -> `[...]`."""
        return ops.mean(self.elements(y_true, y_pred), axis=-1)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The reduced loss.

        Args:
            y_true, y_pred: targets and predictions, of one shape.
            sample_weight: None, or weights for the first axes of the targets or for all of them.
        """
        if sample_weight is None:
            return super().__call__(y_true, y_pred)
        weights = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        shape = ops.shape(y_pred)
        if len(weights.shape) == len(shape):
            weights = ops.broadcast_to(weights, shape)
            return _Weighted(self, weights)(y_true, y_pred, ops.mean(weights, axis=-1))
        missing = len(shape) - 1 - len(weights.shape)
        weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * missing))
        return super().__call__(y_true, y_pred, ops.broadcast_to(weights, shape[:-1]))


class _Weighted(keras.losses.Loss):
    """The weighted mean over the elements of each sample.

    Its samples are to be weighted by the mean weight of their elements.
    """

    def __init__(self, loss, weights):
        super().__init__(loss.name, loss.reduction, loss.dtype)
        self._elements = loss.elements
        self._weights = weights

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        weighted = ops.sum(self._elements(y_true, y_pred) * self._weights, axis=-1)
        return ops.divide_no_nan(weighted, ops.sum(self._weights, axis=-1))


def convert_pair(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both as tensors of the predictions' dtype. ValueError if their shapes differ."""
    y_pred = ops.convert_to_tensor(y_pred)
    if "float" not in str(y_pred.dtype):
        raise ValueError(f"y_pred: expected floating-point numbers, received {keras.backend.standardize_dtype(y_pred.dtype)}.")
    y_true = ops.cast(y_true, y_pred.dtype)
    if len(y_true.shape) != len(y_pred.shape) or any(
        a != b for a, b in zip(y_true.shape, y_pred.shape, strict=True) if a is not None and b is not None
    ):
        raise ValueError(f"y_true: expected y_pred's shape {tuple(y_pred.shape)}, received {tuple(y_true.shape)}.")
    return y_true, y_pred
