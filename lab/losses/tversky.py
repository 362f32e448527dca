"""The Tversky loss of segmentation, and Dice, its case of equal weights."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.pixels import PictureLoss, as_pixels


def tversky(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1.0,
    ignored: int | None = None,
    over_batch: bool = False,
) -> Tensor:
    """1 - T of each picture and class, `[B, C]`, in 0..1; with `over_batch` of each class, `[C]`.

        T = (TP + s) / (TP + alpha FP + beta FN + s)
        TP = sum p g,  FP = sum p (1 - g),  FN = sum (1 - p) g,  over the pixels that count

    p is softmax of the logits, g is 1 where the label is the class. s is 0, and `smooth` for a
    class that the picture does not have: there T is s / (alpha FP + s). An absent class costs 0
    where it is not predicted. Without s it would cost 1 whatever is predicted.

    Source: Salehi et al. 2017, "Tversky loss function", eq. 3-4. Difference: s.

    Args:
        y_true: labels `[B, ...]`, or shares of the classes `[B, ..., C]`.
        y_pred: logits, `[B, ..., C]`.
        alpha, beta: weights of false positives and of false negatives, > 0.
        smooth: in pixels, > 0.
        ignored: a label, such as 255, whose pixels do not count.
        over_batch: whether the sums are over all pictures of the batch (Isensee et al. 2021). With
            many classes most are absent from a picture, and few from a batch.
    """
    _check(alpha=alpha, beta=beta, smooth=smooth)
    targets, counts = as_pixels(y_true, y_pred, ignored)
    y_pred = ops.convert_to_tensor(y_pred)
    p = ops.softmax(ops.cast(y_pred, counts.dtype), axis=-1)
    shares = len(targets.shape) == len(y_pred.shape)
    g = targets if shares else ops.one_hot(targets, y_pred.shape[-1], dtype=counts.dtype)
    axes = tuple(range(int(not over_batch), len(y_pred.shape) - 1))
    counts = counts[..., None]
    hits, wrong, missed = (ops.sum(counts * each, axis=axes) for each in (p * g, p * (1 - g), (1 - p) * g))
    there = ops.sum(counts * g, axis=axes) > 0
    s = ops.where(there, ops.cast(0, p.dtype), ops.cast(smooth, p.dtype))
    wrong = alpha * wrong + beta * missed
    return ops.cast(wrong / (hits + wrong + s), y_pred.dtype)


def dice(
    y_true: Tensor, y_pred: Tensor, *, smooth: float = 1.0, ignored: int | None = None, over_batch: bool = False
) -> Tensor:
    """The soft Dice loss of each picture and class, `[B, C]`: `tversky` with alpha = beta = 1/2.

        1 - (2 sum p g + 2 s) / (sum p + sum g + 2 s),  s = 0 except for absent classes

    Source: Dice 1945; as a loss Milletari et al. 2016, who square p and g in the denominator.

    Args:
        y_true, y_pred, smooth, ignored, over_batch: as in `tversky`.
    """
    return tversky(y_true, y_pred, alpha=0.5, beta=0.5, smooth=smooth, ignored=ignored, over_batch=over_batch)


@keras.saving.register_keras_serializable(package="lab")
class Tversky(PictureLoss):
    """The mean of `tversky`, which explains the arguments, over classes and pictures.

    Args:
        alpha, beta, smooth, ignored: of the function.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(
        self, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0, ignored: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        _check(alpha=alpha, beta=beta, smooth=smooth)
        self.alpha = alpha
        self.beta = beta
        self.smooth = smooth
        self.ignored = ignored

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each picture, `[B]`."""
        options = {name: getattr(self, name) for name in ("alpha", "beta", "smooth", "ignored")}
        return ops.mean(tversky(y_true, y_pred, **options), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("alpha", "beta", "smooth", "ignored")}


@keras.saving.register_keras_serializable(package="lab")
class Dice(PictureLoss):
    """The mean of `dice`, which explains the arguments, over classes and pictures.

    `keras.losses.Dice` sums over pictures and classes, and an absent class costs 1 there.

    Args:
        smooth, ignored: of the function.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    def __init__(self, smooth: float = 1.0, ignored: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        _check(smooth=smooth)
        self.smooth = smooth
        self.ignored = ignored

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each picture, `[B]`."""
        return ops.mean(dice(y_true, y_pred, smooth=self.smooth, ignored=self.ignored), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"smooth": self.smooth, "ignored": self.ignored}


def _check(**numbers):
    """ValueError if a number is not above 0."""
    for name, number in numbers.items():
        validation.POSITIVE.check(name, number)
