"""The boundary loss of segmentation, and the distance maps that it needs."""

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.elementwise import convert_pair
from lab.losses.pixels import PictureLoss


def boundary(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of p times phi over pixels and classes, `[B]`.

        sum_ik p_ik phi_ik / (N C),  p = softmax(z)

    phi is the signed distance to the boundary of a class, below 0 inside. The loss moves the
    boundary of a prediction towards the true one. It has no pull on a class that the picture does
    not have, so it is added to another loss, such as `dice`.

    Source: Kervadec et al. 2019, "Boundary loss for highly unbalanced segmentation", eq. 5.

    Args:
        y_true: phi in pixels, `[B, ..., C]`, of `distance_maps`. N counts the pixels that have a
            distance other than 0.
        y_pred: logits z, `[B, ..., C]`.
    """
    dtype = ops.convert_to_tensor(y_pred).dtype
    distances, z = convert_pair(y_true, ops.cast(y_pred, keras.backend.result_type(dtype, "float32")))
    axes = tuple(range(1, len(z.shape)))
    counts = ops.cast(ops.any(ops.not_equal(distances, 0), axis=-1), z.dtype)
    total = ops.sum(ops.softmax(z, axis=-1) * distances, axis=axes)
    return ops.cast(total / (z.shape[-1] * ops.maximum(ops.sum(counts, axis=axes[:-1]), 1)), dtype)


@keras.saving.register_keras_serializable(package="lab")
class Boundary(PictureLoss):
    """The mean of `boundary` over pictures."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each picture, `[B]`."""
        return boundary(y_true, y_pred)


def signed_distance(masks: np.typing.ArrayLike) -> np.ndarray:
    """The distance of each pixel to the boundary of a mask, float32 `[..., H, W]`; < 0 inside.

    The boundary lies midway between neighbours: next to it are -1/2 and 1/2. A mask that is empty
    or full has none, and 0 everywhere. Kervadec's code has 1/2 more everywhere, which adds a
    constant to the loss.

    Args:
        masks: bool `[..., H, W]`.
    """
    from scipy.ndimage import distance_transform_edt

    masks = np.asarray(masks, bool)
    if masks.ndim < 2:
        raise ValueError(f"masks: expected [..., H, W], received shape {masks.shape}.")
    distances = np.zeros(masks.shape, np.float32)
    for place in np.ndindex(masks.shape[:-2]):
        mask = masks[place]
        if mask.any() and not mask.all():
            distances[place] = np.where(mask, 0.5 - distance_transform_edt(mask), distance_transform_edt(~mask) - 0.5)
    return distances


def distance_maps(labels: np.typing.ArrayLike, classes: int, *, ignored: int | None = None) -> np.ndarray:
    """`signed_distance` to each class, float32 `[..., H, W, classes]`, computed before training.

    Args:
        labels: integers `[..., H, W]`, from 0 to classes - 1 or `ignored`.
        classes: number of classes.
        ignored: a label, such as 255. Its pixels are outside all classes, and have 0, with which
            they do not count.
    """
    labels = np.asarray(labels)
    counts = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    wrong = labels[counts & ~np.isin(labels, np.arange(validation.integer("classes", classes)))]
    if wrong.size:
        raise ValueError(f"labels: expected integers from 0 to {classes - 1}, received {wrong[0]}.")
    maps = np.stack([signed_distance((labels == label) & counts) for label in range(classes)], axis=-1)
    return maps * counts[..., None]
