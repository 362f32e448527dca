"""Overlaps of boxes, as numbers to compare and to learn from.

A box is left, top, right, bottom, `[..., 4]`. `keras.utils.bounding_boxes` converts other formats
("xyxy" is this one).
"""

import math

from keras import ops

from lab.engine.types import Tensor

EPSILON = 1e-7
LARGEST = math.log(1000 / 16)  # of the logarithm by which `box_at` enlarges


def area(boxes: Tensor) -> Tensor:
    """Width times height, `[...]`; 0 where a side is negative."""
    return ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of pairs of boxes, in 0..1, `[...]`.

    Args:
        boxes, others: `[..., 4]`, of shapes that broadcast.
    """
    shared, union = _shared_and_union(boxes, others)
    return shared / union


def iou_matrix(boxes: Tensor, others: Tensor) -> Tensor:
    """The IoU of each box with each other one, `[..., N, M]`.

    Args:
        boxes: `[..., N, 4]`.
        others: `[..., M, 4]`.
    """
    return iou(boxes[..., :, None, :], others[..., None, :, :])


def generalized_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU less the share of the enclosing box C that neither covers, in -1..1, `[...]`.

        IoU - (|C| - |A u B|) / |C|

    Unlike IoU, it has a gradient where boxes do not meet. Source: Rezatofighi et al. 2019.

    Args:
        boxes, others: `[..., 4]`, of shapes that broadcast.
    """
    shared, union = _shared_and_union(boxes, others)
    enclosing = area(_enclosing(boxes, others)) + EPSILON
    return shared / union - (enclosing - union) / enclosing


def distance_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU less the squared distance of the centres, in -1..1, `[...]`.

        IoU - |b - b'|^2 / c^2,   c: the diagonal of the enclosing box

    Source: Zheng et al. 2020, eq. 7.

    Args:
        boxes, others: `[..., 4]`, of shapes that broadcast.
    """
    around = _enclosing(boxes, others)
    diagonal = ops.sum(ops.square(around[..., 2:] - around[..., :2]), axis=-1) + EPSILON
    between = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    return iou(boxes, others) - ops.sum(ops.square(between), axis=-1) / diagonal


def complete_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Distance IoU less a difference of the shapes, `[...]`.

        DIoU - a v,   v = 4 / pi^2 (atan(w' / h') - atan(w / h))^2,   a = v / (1 - IoU + v)

    a is a constant for gradients. Source: Zheng et al. 2020, eq. 8 to 11.

    Args:
        boxes, others: `[..., 4]`, of shapes that broadcast.
    """
    v = 4 / math.pi**2 * ops.square(_angle(others) - _angle(boxes))
    weight = ops.stop_gradient(v / (1 - iou(boxes, others) + v + EPSILON))
    return distance_iou(boxes, others) - weight * v


def deltas_to(start: Tensor, boxes: Tensor) -> Tensor:
    """From some boxes to others: the shift, and the logarithm of the enlargement, `[..., 4]`.

        (x' - x) / w,  (y' - y) / h,  log(w' / w),  log(h' / h)

    x and y are middles. Source: Girshick et al. 2014, appendix C.

    Args:
        start: x, y, w, h are theirs. Their sides are above 0.
        boxes: x', y', w', h' are theirs, `[..., 4]`.
    """
    middles, sides = _middles_and_sides(boxes)
    start_middles, start_sides = _middles_and_sides(start)
    shift = (middles - start_middles) / start_sides
    return ops.concatenate([shift, ops.log(ops.maximum(sides, 1e-3) / start_sides)], axis=-1)


def box_at(start: Tensor, deltas: Tensor) -> Tensor:
    """The boxes to which deltas lead, `[..., 4]`: the inverse of `deltas_to`.

    A side grows at most 62.5-fold.
    """
    middles, sides = _middles_and_sides(start)
    middles = middles + deltas[..., :2] * sides
    sides = sides * ops.exp(ops.minimum(deltas[..., 2:], LARGEST))
    return ops.concatenate([middles - sides / 2, middles + sides / 2], axis=-1)


def _middles_and_sides(boxes):
    """(middles, sides) of boxes, `[..., 2]` each."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def _shared_and_union(boxes, others):
    low = ops.maximum(boxes[..., :2], others[..., :2])
    high = ops.minimum(boxes[..., 2:], others[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0), axis=-1)
    return shared, area(boxes) + area(others) - shared + EPSILON


def _enclosing(boxes, others):
    low = ops.minimum(boxes[..., :2], others[..., :2])
    return ops.concatenate([low, ops.maximum(boxes[..., 2:], others[..., 2:])], axis=-1)


def _angle(boxes):
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return ops.arctan(sides[..., 0] / (sides[..., 1] + EPSILON))
