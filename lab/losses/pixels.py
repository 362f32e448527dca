"""Losses of labelled pixels: what they share, and the cross-entropy.

Labels are integers `[...]` or `[..., 1]` for logits `[..., C]`. A label that is neither a class nor
`ignored` makes a loss nan, so that it is noticed.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.losses.categorical_crossentropy import categorical_crossentropy
from lab.losses.crossentropy import check_options


def pixel_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    ignored: int | None = None,
    gamma: float = 0.0,
    class_weights: Sequence[float] | None = None,
) -> Tensor:
    """The mean cross-entropy of the pixels that count, in nats; a scalar, 0 where none counts.

        sum_i m_i H(y_i, softmax(z_i)) / sum_i m_i,  m_i = 0 where y_i is `ignored`, or else 1

    With gamma it is the focal loss of several classes (Lin et al. 2017, eq. 4).

    Args:
        y_true: labels `[...]` or `[..., 1]`, or shares of the classes `[..., C]`.
        y_pred: logits z, `[..., C]`.
        ignored: a label, such as 255, whose pixels do not count.
        gamma, class_weights: as in `categorical_crossentropy`. The mean is over pixels, whatever
            their weights are.
    """
    losses, counts = _each(y_true, y_pred, ignored, gamma=gamma, class_weights=class_weights)
    mean = ops.sum(losses) / ops.maximum(ops.sum(counts), 1)
    return ops.cast(mean, ops.convert_to_tensor(y_pred).dtype)


@keras.saving.register_keras_serializable(package="lab")
class PixelCrossentropy(keras.losses.Loss):
    """`pixel_crossentropy`, which explains the arguments.

    Sample weights `[B]` or `[B, H, W]` multiply the losses of pixels. As in Keras, the mean is not
    over the weights: it is over the pixels that are not ignored.

    Args:
        ignored, gamma, class_weights: of the function.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(
        self,
        ignored: int | None = None,
        gamma: float = 0.0,
        class_weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_options(0.0, gamma, class_weights)
        self.ignored = ignored
        self.gamma = gamma
        self.class_weights = None if class_weights is None else tuple(class_weights)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each pixel, `[..., C]` -> `[...]`; 0 where it is ignored."""
        options = {"gamma": self.gamma, "class_weights": self.class_weights}
        return ops.cast(_each(y_true, y_pred, self.ignored, **options)[0], y_pred.dtype)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The reduced loss.

        Args:
            y_true, y_pred: as in `pixel_crossentropy`.
            sample_weight: None, or weights for the first axes of the labels or for all of them.
        """
        weights = as_pixels(y_true, y_pred, self.ignored)[1]
        if self.reduction in ("sum_over_batch_size", "mean"):  # Keras divides by all pixels
            weights = weights / ops.maximum(ops.mean(weights), 1e-9)
        if sample_weight is not None:
            given = ops.cast(sample_weight, weights.dtype)
            if len(given.shape) == len(weights.shape) + 1:
                given = ops.squeeze(given, -1)
            given = ops.reshape(given, (*ops.shape(given), *(1,) * (len(weights.shape) - len(given.shape))))
            weights = weights * given
        return super().__call__(y_true, y_pred, weights)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("ignored", "gamma", "class_weights")}


class PictureLoss(keras.losses.Loss):
    """A loss that has one number for each picture. Sample weights are `[B]`."""

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The reduced loss. ValueError for weights of pixels, which would be broadcast wrongly."""
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            if any(size != 1 for size in sample_weight.shape[1:]):
                shape = tuple(sample_weight.shape)
                raise ValueError(f"sample_weight: expected one for each picture [B], received shape {shape}.")
            sample_weight = ops.reshape(sample_weight, (-1,))
        return super().__call__(y_true, y_pred, sample_weight)


def as_pixels(y_true: Tensor, y_pred: Tensor, ignored: int | None) -> tuple[Tensor, Tensor]:
    """(targets, what counts `[...]`) of labels or shares.

    Labels that do not count are 0. What counts is 1, 0 where the label is `ignored`, and nan where
    it is no class; float32 at least, for sums over many pixels.

    Args:
        y_true: labels `[...]` or `[..., 1]`, or shares `[..., C]`.
        y_pred: logits `[..., C]`.
        ignored: a label. With shares it must be None.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    classes, dtype = y_pred.shape[-1], keras.backend.result_type(y_pred.dtype, "float32")
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1 != classes:
        y_true = ops.squeeze(y_true, -1)
    shares = len(y_true.shape) == len(y_pred.shape)
    expected = y_pred.shape if shares else y_pred.shape[:-1]
    if len(y_true.shape) != len(expected) or any(a != b for a, b in zip(y_true.shape, expected) if None not in (a, b)):
        logits, received = tuple(y_pred.shape), tuple(y_true.shape)
        raise ValueError(f"y_true: expected labels [...] or shares [..., C] of logits {logits}, received {received}.")
    if shares:
        if ignored is not None:
            raise ValueError(f"ignored: expected None with shares of the classes, received {ignored}.")
        y_true = ops.cast(y_true, dtype)
        return y_true, ops.ones_like(y_true[..., 0])
    labels = ops.cast(y_true, "int32")
    known = ops.logical_and(labels >= 0, labels < classes)
    counts = ops.where(known, ops.cast(1, dtype), ops.cast(float("nan"), dtype))
    if ignored is not None:
        left_out = ops.equal(labels, ignored)
        counts = ops.where(left_out, ops.cast(0, dtype), counts)
        known = ops.logical_and(known, ops.logical_not(left_out))
    return ops.where(known, labels, 0), counts


def _each(y_true, y_pred, ignored, **options):
    """(the loss of each pixel, what counts), both `[...]`."""
    targets, counts = as_pixels(y_true, y_pred, ignored)
    logits = ops.cast(y_pred, counts.dtype)
    return counts * categorical_crossentropy(targets, logits, **options), counts
