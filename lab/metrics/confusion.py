"""The confusion matrix of segmentation, and what is computed from it."""

import numpy as np
from numpy.typing import ArrayLike

from lab import validation


def confusion_matrix(truth: ArrayLike, found: ArrayLike, classes: int, *, ignored: int | None = None) -> np.ndarray:
    """How many pixels of each class were given each class, int64 `[classes, classes]`.

    Rows are true classes, columns those that were found. There is one matrix of all pictures.
    Matrices of several parts of a data set add up to that of the whole.

    Args:
        truth, found: integers of one shape, such as `[N, H, W]`.
        classes: number of classes. Labels are 0 to classes - 1.
        ignored: a label of `truth`, such as 255, whose pixels do not count.
    """
    classes = validation.integer("classes", classes)
    true, said = as_labels("truth", truth), as_labels("found", found)
    validation.same_shape(found=said, truth=true)
    if ignored is not None:
        counts = true != ignored
        true, said = true[counts], said[counts]
    check_labels("truth", true, classes)
    check_labels("found", said, classes)
    places = true.ravel().astype(np.int64) * classes + said.ravel()
    return np.bincount(places, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def intersection_over_union(matrix: ArrayLike) -> np.ndarray:
    """The IoU of each class, `[classes]`; nan for a class that is neither true nor found.

        TP / (TP + FP + FN)

    Args:
        matrix: of `confusion_matrix`.
    """
    pixels = _as_matrix(matrix)
    shared = np.diag(pixels)
    whole = pixels.sum(axis=0) + pixels.sum(axis=1) - shared
    return np.divide(shared, whole, out=np.full(len(pixels), np.nan), where=whole > 0)


def mean_iou(matrix: ArrayLike) -> float:
    """The mean of `intersection_over_union` over the classes that are true or found.

    It is nan where no pixel counts.
    """
    overlaps = intersection_over_union(matrix)
    there = overlaps[~np.isnan(overlaps)]
    return float(there.mean()) if there.size else float("nan")


def pixel_accuracy(matrix: ArrayLike) -> float:
    """The share of pixels that were given their class; nan where no pixel counts."""
    pixels = _as_matrix(matrix)
    whole = pixels.sum()
    return float(np.trace(pixels) / whole) if whole else float("nan")


def as_labels(name: str, values: ArrayLike) -> np.ndarray:
    """An array of integers, those of bool 0 and 1. ValueError if it has others."""
    array = np.asarray(values)
    array = array.astype("uint8") if array.dtype == bool else array
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name}: expected integers, received {array.dtype}.")
    return array


def check_labels(name: str, labels: np.ndarray, classes: int) -> None:
    """ValueError if a label is not in 0 to classes - 1."""
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(f"{name}: expected labels from 0 to {classes - 1}, received {wrong[0]}.")


def _as_matrix(matrix):
    pixels = np.asarray(matrix, float)
    if pixels.ndim != 2 or pixels.shape[0] != pixels.shape[1]:
        raise ValueError(f"matrix: expected [classes, classes], received shape {pixels.shape}.")
    return pixels
