"""Masks within boxes: samples of maps in a box, targets of masks, and masks put into pictures."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.vision.boxes import area

AT_ONCE = 64  # pictures whose masks are cropped in one call


def roi_align(maps: Tensor, boxes: Tensor, size: int, stride: float, samples: int = 2) -> Tensor:
    """What maps show in boxes, in a grid of size x size cells: `[B, N, size, size, C]`.

    A cell is the mean of samples x samples bilinear samples, evenly spaced in it:

        y_i = (top + (i + 1/2) (bottom - top) / (size samples)) / stride - 1/2

    Pixels are squares with their values at the centres, hence the halves (`aligned=True` of other
    libraries). A sample up to one pixel beyond the outermost centres takes the nearest value. One
    further out is 0. Rows and columns are two products of matrices, without a gather. This suits
    maps of up to about a hundred pixels. Source: He et al. 2017, section 3.

    Args:
        maps: `[B, h, w, C]`.
        boxes: left, top, right, bottom in pixels of the picture, `[B, N, 4]`. Empty ones and those
            outside give finite values.
        size: cells on a side.
        stride: pixels of the picture over those of the maps.
        samples: on a side of a cell.
    """
    validation.POSITIVE.check("stride", stride)
    cells = validation.integer("size", size), validation.integer("samples", samples)
    if len(maps.shape) != 4 or len(boxes.shape) != 3 or boxes.shape[-1] != 4:
        shapes = f"{tuple(maps.shape)} and {tuple(boxes.shape)}"
        raise ValueError(f"maps, boxes: expected shapes [B, h, w, C] and [B, N, 4], received {shapes}.")
    boxes = ops.cast(boxes, "float32") / stride
    dtype = keras.backend.standardize_dtype(maps.dtype)
    rows, columns = (
        ops.cast(_weights(boxes[..., axis], boxes[..., axis + 2], *cells, maps.shape[2 - axis]), dtype) for axis in (1, 0)
    )
    return ops.einsum("bnxw,bnywc->bnyxc", columns, ops.einsum("bnyh,bhwc->bnywc", rows, maps))


def _weights(start, end, size, samples, length):
    """The share of each pixel in each cell between start and end, `[B, N, size, length]`."""
    steps = (ops.arange(size * samples, dtype="float32") + 0.5) / (size * samples)
    places = start[..., None] + (end - start)[..., None] * steps - 0.5  # [B, N, size samples]
    inside = ops.cast(ops.logical_and(places >= -1, places <= length), "float32")
    nearest = ops.clip(places, 0, length - 1)[..., None]
    weights = ops.maximum(1 - ops.abs(nearest - ops.arange(length, dtype="float32")), 0) * inside[..., None]
    return ops.mean(ops.reshape(weights, (-1, start.shape[1], size, samples, length)), axis=-2)


def roi_align_each(maps: Tensor, boxes: Tensor, size: int, stride: float, samples: int = 2) -> Tensor:
    """`roi_align` where each box has a map of its own: `[B, N, size, size]`.

    Args:
        maps: `[B, N, h, w]`.
        boxes: `[B, N, 4]`.
        size, stride, samples: as of `roi_align`.
    """
    count, height, width = maps.shape[1:]
    maps, boxes = ops.reshape(maps, (-1, height, width, 1)), ops.reshape(boxes, (-1, 1, 4))
    return ops.reshape(roi_align(maps, boxes, size, stride, samples), (-1, count, size, size))


def roi_align_levels(maps: Sequence[Tensor], boxes: Tensor, size: int, strides: Sequence[int]) -> Tensor:
    """`roi_align` in a pyramid, each box in the map of its size: `[B, N, size, size, C]`.

    A box of w x h pixels is read from the level l of stride s_l = 2^l s_0:

        l = floor(log2(sqrt(w h) / (14 s_0))),  bounded by the levels there are

    So it is 14 to 28 cells wide there; narrower only in the finest map, wider only in the coarsest.
    Source: Lin et al. 2017 ("Feature pyramid networks"), eq. 1 with its k_0 = 4.

    Args:
        maps: `[B, h, w, C]` each, from fine to coarse.
        boxes: `[B, N, 4]` in pixels.
        size: cells on a side.
        strides: of the maps, each twice the one before.
    """
    sides = ops.sqrt(area(boxes))
    levels = ops.floor(ops.log(ops.maximum(sides, 1.0) / (14 * strides[0])) / math.log(2) + 1e-5)
    levels = ops.clip(levels, 0, len(maps) - 1)
    found = 0
    for level, (each, stride) in enumerate(zip(maps, strides, strict=True)):
        here = ops.cast(ops.equal(levels, level), keras.backend.standardize_dtype(each.dtype))
        found = found + here[..., None, None, None] * roi_align(each, boxes, size, stride)
    return found


def masks_in_boxes(
    boxes: np.ndarray, labels: np.ndarray, instances: np.ndarray, size: int, *, classes: int | None = None
) -> np.ndarray:
    """Objects with their masks, the targets of detectors of masks: float32 `[N, M, 5 + size^2]`.

    Each object has its box, its class and its mask within the box.

    Args:
        boxes: in pixels, `[N, M, 4]`.
        labels: `[N, M]`, -1 for none.
        instances: integers `[N, H, W]`: 0 background, i + 1 where object i is seen.
        size: cells on a side of a mask.
        classes: number of classes, to check the labels. None checks nothing.
    """
    if classes is not None and labels.max(initial=-1) >= classes:
        raise ValueError(f"labels: expected at most {classes - 1}, of {classes} classes, received {labels.max()}.")
    places = np.where(labels >= 0, np.arange(labels.shape[1]), -1)
    found = []
    for start in range(0, len(boxes), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        found.append(ops.convert_to_numpy(crop_masks(instances[some], boxes[some], places[some], size)))
    masks = np.concatenate(found or [np.zeros(0)]).reshape(*labels.shape, size**2)
    return np.concatenate([boxes, labels[..., None], masks], axis=-1).astype("float32")


def crop_masks(instances: Tensor, boxes: Tensor, places: Tensor, size: int) -> Tensor:
    """The targets of a mask head: 1 where the object covers half of a cell or more, else 0.

    Args:
        instances: integers `[B, H, W]`: 0 background, i + 1 where object i is seen.
        boxes: in pixels, `[B, N, 4]`.
        places: i of each box, integers `[B, N]`; below 0 for none, whose masks are 0.
        size: cells on a side.

    Returns:
        float32 `[B, N, size, size]`.
    """
    numbers = ops.cast(places, "int32")[..., None, None] + 1
    own = ops.logical_and(ops.equal(ops.cast(instances, "int32")[:, None], numbers), numbers > 0)
    return ops.cast(roi_align_each(ops.cast(own, "float32"), boxes, size, 1) >= 0.5, "float32")


def paste_masks(probabilities: np.ndarray, boxes: np.ndarray, height: int, width: int, threshold: float = 0.5) -> np.ndarray:
    """Masks within boxes, put into a picture: bool `[N, height, width]`.

    A pixel's centre takes the bilinear value of the m x m cells that the box is divided into.
    Outside the box the values fall to 0 within half a cell. An empty box has no pixels.

    Args:
        probabilities: `[N, m, m]`, in 0..1.
        boxes: in pixels, `[N, 4]`.
        height, width: of the picture, in pixels.
        threshold: the least probability that counts, above 0.
    """
    validation.SHARE.check("threshold", threshold)
    height, width = validation.integer("height", height), validation.integer("width", width)
    probabilities, boxes = np.asarray(probabilities, "float32"), np.asarray(boxes, "float64")
    if probabilities.ndim != 3 or boxes.shape != (len(probabilities), 4):
        shapes = f"{probabilities.shape} and {boxes.shape}"
        raise ValueError(f"probabilities, boxes: expected shapes [N, m, m] and [N, 4], received {shapes}.")
    masks = np.zeros((len(boxes), height, width), bool)
    for mask, cells, (left, top, right, bottom) in zip(masks, probabilities, boxes):
        if right > left and bottom > top:
            rows, columns = _shares(top, bottom, len(cells), height), _shares(left, right, len(cells), width)
            mask[:] = rows @ cells @ columns.T >= threshold
    return masks


def _shares(start, end, cells, length):
    """The share of each cell between start and end in each pixel, `[length, cells]`."""
    places = (np.arange(length) + 0.5 - start) / (end - start) * cells - 0.5
    return np.maximum(1 - np.abs(places[:, None] - np.arange(cells)), 0).astype("float32")
