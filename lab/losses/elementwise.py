"""The base of losses that are an average over elements."""

import keras
from keras import ops


class ElementwiseLoss(keras.losses.Loss):
    """A loss that is the mean over the last axis of one number per element; the subclass gives `elements`.

    Weights may be per sample, as in Keras, or also per element: those of fewer axes than the predictions (`[B]` for `[B, H, W, C]`) hold
    for the rest of theirs, and count there too where the reduction divides by the weights' sum. Ones change no reduction.
    """

    def elements(self, y_true, y_pred):
        """The loss of each element, in the predictions' shape."""
        raise NotImplementedError

    def call(self, y_true, y_pred):
        """The mean over the last axis: `[..., D]` -> `[...]`."""
        return ops.mean(self.elements(y_true, y_pred), axis=-1)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The reduced loss.

        Args:
            y_true, y_pred: targets and predictions, of one shape.
            sample_weight: None, or weights of the targets' first axes or of all.
        """
        if sample_weight is None:
            return super().__call__(y_true, y_pred)
        weights, shape = ops.convert_to_tensor(sample_weight, dtype=self.dtype), ops.shape(y_pred)
        if len(weights.shape) == len(shape):
            weights = ops.broadcast_to(weights, shape)
            return _Weighted(self, weights)(y_true, y_pred, ops.mean(weights, axis=-1))
        missing = len(shape) - 1 - len(weights.shape)
        weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * missing))
        return super().__call__(y_true, y_pred, ops.broadcast_to(weights, shape[:-1]))


class _Weighted(keras.losses.Loss):
    """A loss of which a sample's is the weighted mean of its elements'; the sample weighs what they do on average."""

    def __init__(self, loss, weights):
        super().__init__(loss.name, loss.reduction, loss.dtype)
        self._elements, self._weights = loss.elements, weights

    def call(self, y_true, y_pred):
        weighted = ops.sum(self._elements(y_true, y_pred) * self._weights, axis=-1)
        return ops.divide_no_nan(weighted, ops.sum(self._weights, axis=-1))


def together(y_true, y_pred):
    """Both as tensors of the predictions' type; ValueError where they do not have one shape."""
    y_pred = ops.convert_to_tensor(y_pred)
    if "float" not in str(y_pred.dtype):
        raise ValueError(f"y_pred: expected floating-point numbers, received {keras.backend.standardize_dtype(y_pred.dtype)}.")
    y_true = ops.cast(y_true, y_pred.dtype)
    if len(y_true.shape) != len(y_pred.shape) or any(
        a != b for a, b in zip(y_true.shape, y_pred.shape, strict=True) if a is not None and b is not None
    ):
        raise ValueError(f"y_true: expected y_pred's shape {tuple(y_pred.shape)}, received {tuple(y_true.shape)}.")
    return y_true, y_pred
