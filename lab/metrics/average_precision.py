"""COCO's average precision of detections, as boxes or as masks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10))
"""IoU from which a detection is right."""
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's ranges of the area of an object, in square pixels."""
MOST = (1, 10, 100)
"""COCO's greatest numbers of detections in a picture."""


class Objects(NamedTuple):
    """The objects of a picture."""

    boxes: np.ndarray  # [N, 4]: left, top, right, bottom in pixels
    labels: np.ndarray  # [N], integers
    masks: np.ndarray | None = None  # bool [N, H, W]
    crowd: np.ndarray | None = None  # bool [N]: a region with many; none by default
    areas: np.ndarray | None = None  # [N] in square pixels; by default those of the masks or else of the boxes


class Detections(NamedTuple):
    """What was found in a picture."""

    boxes: np.ndarray  # [N, 4]: left, top, right, bottom in pixels
    scores: np.ndarray  # [N]
    labels: np.ndarray  # [N], integers
    masks: np.ndarray | None = None  # bool [N, H, W]


class AveragePrecision(NamedTuple):
    """COCO's results. Where a class or a range of areas has no object, the result is nan."""

    precision: np.ndarray  # [thresholds, 101 recalls, classes, areas, numbers], interpolated
    recall: np.ndarray  # [thresholds, classes, areas, numbers], the greatest
    classes: np.ndarray  # [classes], labels in rising order
    summary: dict[str, float]  # COCO's twelve numbers

    @property
    def by_class(self) -> dict[int, float]:
        """{label: AP over all thresholds}."""
        means = [_mean(self.precision[:, :, index, 0, -1]) for index in range(len(self.classes))]
        return dict(zip(self.classes.tolist(), means))


def average_precision(
    truths: Sequence[Objects],
    found: Sequence[Detections],
    *,
    of_masks: bool = False,
    areas: Mapping[str, tuple[float, float]] = AREAS,
    most: tuple[int, ...] = MOST,
) -> AveragePrecision:
    """Average precision and recall as COCO computes them, over pictures of one data set.

    Detections are taken by falling score. Each takes the object of its class with the greatest
    IoU that no other has taken, if the IoU reaches the threshold. Then it is right, or else wrong.

        AP = mean over thresholds and recalls r = 0, 0.01 ... 1 of max_{r' >= r} precision(r')

    Objects outside the range of areas and crowds are ignored: they are not missed, and what finds
    them is neither right nor wrong. With a crowd, the IoU is the share of the detection inside it.

    `summary` has AP, AP50, AP75 and AP_<area> with the greatest of `most`; AR_<number> for each of
    `most`; AR_<area>. It equals pycocotools' `COCOeval.stats` where `areas` and `most` are COCO's.
    pycocotools gives -1 for all AP where `most` has other than three numbers.

    Source: Lin et al. 2014 and cocodataset.org; the order of ties is that of pycocotools.

    Args:
        truths: the objects of each picture.
        found: the detections of each picture.
        of_masks: whether IoU and areas are those of masks, or of boxes.
        areas: {name: (least, greatest)}. The first must be "all". Small pictures need ranges of
            their own: all objects of 128 pixels are small to COCO.
        most: the greatest numbers of detections in a picture, rising.
    """
    if len(truths) != len(found):
        raise ValueError(f"found: expected {len(truths)} pictures, received {len(found)}.")
    if next(iter(areas), "") != "all" or not most or list(most) != sorted(most) or most[0] < 1:
        raise ValueError(f"areas, most: expected 'all' first and rising numbers, received {list(areas)} and {most}.")
    for index, (objects, detections) in enumerate(zip(truths, found)):
        check_picture(index, objects, detections, of_masks=of_masks)
    labels = [np.asarray(objects.labels) for objects in truths]
    classes = np.unique(np.concatenate([*labels, np.zeros(0, int)]).astype(int))
    shape = len(THRESHOLDS), len(classes), len(areas), len(most)
    precision, recall = np.full((shape[0], len(RECALLS), *shape[1:]), np.nan), np.full(shape, np.nan)
    for column, label in enumerate(classes):
        pictures = [_of_class(*pair, label, of_masks, most[-1]) for pair in zip(truths, found)]
        for row, bounds in enumerate(areas.values()):
            matches = [_match(picture, bounds) for picture in pictures]
            for last, number in enumerate(most):
                curves = _curves(matches, number)
                if curves is not None:
                    precision[:, :, column, row, last], recall[:, column, row, last] = curves
    return AveragePrecision(precision, recall, classes, _summary(precision, recall, areas, most))


def check_picture(index: int, objects: Objects, detections: Detections, *, of_masks: bool = False) -> None:
    """Boxes must be finite `[N, 4]`, each with a label, a score and, if needed, a mask."""
    for name, part in (("truths", objects), ("found", detections)):
        boxes = np.asarray(part.boxes, float)
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
            raise ValueError(f"{name}[{index}].boxes: expected finite numbers [N, 4], received shape {boxes.shape}.")
        if (boxes[:, 2:] < boxes[:, :2]).any():
            worst = boxes[(boxes[:, 2:] < boxes[:, :2]).any(axis=1)][0].tolist()
            raise ValueError(f"{name}[{index}].boxes: expected left <= right and top <= bottom, received {worst}.")
        fields = ["labels", *["scores"] * isinstance(part, Detections), *["masks"] * of_masks]
        for field in fields:
            values = getattr(part, field)
            if values is None or len(values) != len(boxes):
                received = "none" if values is None else len(values)
                raise ValueError(f"{name}[{index}].{field}: expected {len(boxes)}, one for each box, received {received}.")
    if len(detections.scores) and not np.isfinite(np.asarray(detections.scores, float)).all():
        raise ValueError(f"found[{index}].scores: expected finite numbers, received others.")


class _Picture(NamedTuple):
    """The objects and the detections of one class, detections by falling score."""

    overlaps: np.ndarray  # IoU [D, G]
    areas: np.ndarray  # of the objects [G]
    crowd: np.ndarray  # bool [G]
    scores: np.ndarray  # [D]
    found_areas: np.ndarray  # [D]


def _of_class(objects, detections, label, of_masks, most):
    """The `_Picture` of a class."""
    wanted = np.flatnonzero(np.asarray(objects.labels) == label)
    scores = np.asarray(detections.scores, float)
    ours = np.flatnonzero(np.asarray(detections.labels) == label)
    ours = ours[np.argsort(-scores[ours], kind="stable")[:most]]
    crowd = np.zeros(len(wanted), bool) if objects.crowd is None else np.asarray(objects.crowd, bool)[wanted]
    if of_masks:
        shapes = np.asarray(objects.masks, bool)[wanted], np.asarray(detections.masks, bool)[ours]
        truth_areas, found_areas = (masks.sum(axis=(1, 2)).astype(float) for masks in shapes)
        overlaps = mask_overlaps(shapes[1], shapes[0], crowd)
    else:
        shapes = np.asarray(objects.boxes, float)[wanted], np.asarray(detections.boxes, float)[ours]
        truth_areas, found_areas = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in shapes)
        overlaps = box_overlaps(shapes[1], shapes[0], crowd)
    if objects.areas is not None:
        truth_areas = np.asarray(objects.areas, float)[wanted]
    return _Picture(overlaps, truth_areas, crowd, scores[ours], found_areas)


def box_overlaps(boxes: ArrayLike, truths: ArrayLike, crowd: ArrayLike | None = None) -> np.ndarray:
    """IoU of boxes `[D, 4]` with those of objects `[G, 4]`, `[D, G]`; 0 where both are empty.

    With a crowd (bool `[G]`) it is the share of the box inside it.
    """
    boxes, truths = np.asarray(boxes, float).reshape(-1, 4), np.asarray(truths, float).reshape(-1, 4)
    low = np.maximum(boxes[:, None, :2], truths[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], truths[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    sizes, truth_sizes = (np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, truths))
    return _shares(shared, sizes, truth_sizes, crowd)


def mask_overlaps(masks: ArrayLike, truths: ArrayLike, crowd: ArrayLike | None = None) -> np.ndarray:
    """The same of masks, bool `[D, H, W]` and `[G, H, W]`."""
    arrays = [np.asarray(each, bool) for each in (masks, truths)]
    flat, truth_flat = (each.reshape(len(each), np.prod(each.shape[1:], dtype=int)).astype("float32") for each in arrays)
    if not len(flat) or not len(truth_flat):
        return np.zeros((len(flat), len(truth_flat)))
    shared = (flat @ truth_flat.T).astype(float)  # exact up to 2^24 pixels
    return _shares(shared, flat.sum(axis=1, dtype=float), truth_flat.sum(axis=1, dtype=float), crowd)


def _shares(shared, sizes, truth_sizes, crowd):
    whole = sizes[:, None] + truth_sizes[None] - shared
    if crowd is not None:
        whole = np.where(np.asarray(crowd, bool)[None], sizes[:, None], whole)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


class _Match(NamedTuple):
    """What became of the detections of a picture at each threshold."""

    scores: np.ndarray  # [D]
    right: np.ndarray  # bool [thresholds, D]
    ignored: np.ndarray  # bool [thresholds, D]
    objects: int  # that are not ignored


def _match(picture, bounds):
    """The `_Match` of a picture, of objects whose area is in these bounds."""
    low, high = bounds
    ignored = picture.crowd | (picture.areas < low) | (picture.areas > high)
    order = np.argsort(ignored, kind="stable")  # ignored objects last
    ignored, crowd, overlaps = ignored[order], picture.crowd[order], picture.overlaps[:, order]
    thresholds = np.minimum(THRESHOLDS, 1 - 1e-10)
    taken = np.zeros((len(thresholds), len(order)), bool)
    right = np.zeros((len(thresholds), len(overlaps)), bool)
    passed = np.zeros_like(right)
    for row, overlap in enumerate(overlaps):
        fits = (overlap >= thresholds[:, None]) & ~(taken & ~crowd)
        for kind in (~ignored, ignored):  # an ignored object only where no other fits
            at, best = _best(np.where(fits & kind, overlap, -1.0))
            at &= ~right[:, row]
            taken[at, best[at]] = right[at, row] = True
            passed[at, row] = ignored[best[at]]
    outside = (picture.found_areas < low) | (picture.found_areas > high)
    return _Match(picture.scores, right, passed | (~right & outside), int((~ignored).sum()))


def _best(overlaps):
    """Whether a row has an overlap >= 0, and the column of its greatest; of equal ones the last."""
    if not overlaps.shape[1]:
        return np.zeros(len(overlaps), bool), np.zeros(len(overlaps), int)
    best = overlaps.shape[1] - 1 - overlaps[:, ::-1].argmax(axis=1)
    return overlaps[np.arange(len(overlaps)), best] >= 0, best


def _curves(matches, number):
    """(interpolated precision [thresholds, 101], greatest recall [thresholds]), or None."""
    objects = sum(match.objects for match in matches)
    if not objects:
        return None
    scores = np.concatenate([match.scores[:number] for match in matches])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate([match.right[:, :number] for match in matches], axis=1)[:, order]
    ignored = np.concatenate([match.ignored[:, :number] for match in matches], axis=1)[:, order]
    hits, misses = (np.cumsum(part, axis=1, dtype=float) for part in (right & ~ignored, ~right & ~ignored))
    recall, precision = hits / objects, hits / np.maximum(hits + misses, 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    curves = np.zeros((len(recall), len(RECALLS)))
    for curve, reached, best in zip(curves, recall, envelope):
        places = np.searchsorted(reached, RECALLS, side="left")
        inside = places < len(reached)
        curve[inside] = best[places[inside]]
    return curves, recall[:, -1] if recall.shape[1] else np.zeros(len(recall))


def _mean(values):
    """The mean of what is not nan; nan without."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def _summary(precision, recall, areas, most):
    """The named means of both."""
    found = {"AP": _mean(precision[:, :, :, 0, -1])}
    found |= {f"AP{threshold}": _mean(precision[row, :, :, 0, -1]) for threshold, row in ((50, 0), (75, 5))}
    found |= {f"AP_{name}": _mean(precision[..., row, -1]) for row, name in enumerate(areas) if row}
    found |= {f"AR_{number}": _mean(recall[..., 0, column]) for column, number in enumerate(most)}
    return found | {f"AR_{name}": _mean(recall[..., row, -1]) for row, name in enumerate(areas) if row}
