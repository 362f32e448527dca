"""The base of losses that are an average over elements."""

import keras
from keras import ops


class ElementwiseLoss(keras.losses.Loss):
    """A loss with one number per element, so that weights may be per sample or per element.

    Keras averages over the last axis before it weighs; here `call` returns all elements, and weights of fewer axes (`[B]` for
    `[B, H, W, C]`) hold for the rest of theirs. Without weights both are the same mean.
    """

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The reduced loss.

        Args:
            y_true, y_pred: targets and predictions, of one shape.
            sample_weight: None, or weights of the targets' first axes or of all.
        """
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            missing = len(self._element_shape(y_true, y_pred)) - len(sample_weight.shape)
            sample_weight = ops.reshape(sample_weight, (*ops.shape(sample_weight), *(1,) * max(missing, 0)))
            sample_weight = ops.broadcast_to(sample_weight, self._element_shape(y_true, y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def _element_shape(self, y_true, y_pred):
        """Shape of what `call` returns."""
        return ops.shape(ops.convert_to_tensor(y_pred))


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
