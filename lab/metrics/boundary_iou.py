"""Boundary IoU: how well the edges of masks fit, also those of large ones."""

import numpy as np
from numpy.typing import ArrayLike

from lab import validation
from lab.metrics.average_precision import mask_overlaps
from lab.metrics.confusion import as_labels, check_labels

SHARE = 0.02  # of the diagonal: the distance in Cheng et al. 2021


def boundaries(masks: ArrayLike, distance: int | None = None) -> np.ndarray:
    """The pixels of masks within a distance of their edge, bool `[..., H, W]`.

    A pixel is one of them where a pixel outside the mask is at most `distance` away in both axes.
    The outside of the picture is outside the mask.

    Source: Cheng et al. 2021, "Boundary IoU"; the distance as in its code.

    Args:
        masks: bool `[..., H, W]`.
        distance: in pixels. None: 2 % of the picture's diagonal, at least 1.
    """
    from scipy.ndimage import minimum_filter

    masks = np.asarray(masks, bool)
    if masks.ndim < 2:
        raise ValueError(f"masks: expected [..., H, W], received shape {masks.shape}.")
    if distance is None:
        distance = max(1, round(SHARE * float(np.hypot(*masks.shape[-2:]))))
    side = 2 * validation.integer("distance", distance) + 1
    window = (*(1,) * (masks.ndim - 2), side, side)
    inner = minimum_filter(masks.astype(np.uint8), size=window, mode="constant", cval=0) if masks.size else masks
    return masks & (inner == 0)


def boundary_overlaps(masks: ArrayLike, truths: ArrayLike, distance: int | None = None) -> np.ndarray:
    """Boundary IoU of masks with those of objects, `[D, G]`; 0 where both are empty.

        |B(m) and B(t)| / |B(m) or B(t)|,  B the `boundaries` of a mask

    Args:
        masks: bool `[D, H, W]`.
        truths: bool `[G, H, W]`.
        distance: as in `boundaries`.
    """
    masks, truths = np.asarray(masks, bool), np.asarray(truths, bool)
    if masks.ndim != 3 or truths.ndim != 3 or masks.shape[1:] != truths.shape[1:]:
        raise ValueError(f"masks: expected [D, H, W] and truths [G, H, W], received {masks.shape} and {truths.shape}.")
    return mask_overlaps(boundaries(masks, distance), boundaries(truths, distance))


def boundary_iou(
    truth: ArrayLike, found: ArrayLike, classes: int, *, distance: int | None = 1, ignored: int | None = None
) -> np.ndarray:
    """Boundary IoU of each class over all pictures, `[classes]`.

    Intersections and unions are summed over the pictures before they are divided. A class that is
    neither true nor found has nan.

    Args:
        truth, found: labels from 0 to classes - 1, integers `[..., H, W]`.
        classes: number of classes.
        distance: as in `boundaries`.
        ignored: a label of `truth`. Its pixels are outside all masks, the true and the found ones.
    """
    classes = validation.integer("classes", classes)
    labels, said = as_labels("truth", truth), as_labels("found", found)
    validation.same_shape(found=said, truth=labels)
    counts = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    check_labels("truth", labels[counts], classes)
    check_labels("found", said[counts], classes)
    overlaps = np.full(classes, np.nan)
    for label in np.union1d(labels[counts], said[counts]):
        edges, found_edges = (boundaries((each == label) & counts, distance) for each in (labels, said))
        overlaps[label] = (edges & found_edges).sum() / (edges | found_edges).sum()
    return overlaps
