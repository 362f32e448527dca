"""Panoptic quality: segments of things and of stuff, each pixel in at most one."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lab import validation
from lab.metrics.confusion import as_labels

VOID = 0
"""The id of pixels that no segment has."""


class Segments(NamedTuple):
    """The segments of a picture."""

    ids: np.ndarray  # integers [H, W]: the segment of each pixel, VOID for none
    classes: Mapping[int, int]  # {id: class} of the segments in `ids`
    crowd: Collection[int] = ()  # ids of true segments that are regions with many objects


class PanopticQuality(NamedTuple):
    """Panoptic quality by class, of the classes with a segment that counts."""

    classes: np.ndarray  # [C], labels in rising order
    quality: np.ndarray  # [C], PQ = SQ RQ
    segmentation: np.ndarray  # [C], SQ: the mean IoU of matches; 0 without a match
    recognition: np.ndarray  # [C], RQ: the F1 score of matches
    counts: np.ndarray  # int [C, 3]: TP, FP, FN
    summary: dict[str, float]  # means over classes: PQ, SQ, RQ, and those of things and of stuff


def panoptic_quality(
    truths: Sequence[Segments], found: Sequence[Segments], *, things: Collection[int] | None = None
) -> PanopticQuality:
    """Panoptic quality over the pictures of one data set.

        PQ = sum over TP of IoU / (TP + FP / 2 + FN / 2)
        SQ = sum over TP of IoU / TP,  RQ = TP / (TP + FP / 2 + FN / 2)

    A true and a found segment of one class match (TP) where their IoU is above 0.5. No segment has
    two matches. A true segment without one is missed (FN), a found one without is wrong (FP).

    Pixels that are void in the truth are left out of the union. A crowd has no match and is not
    missed. A found segment is not wrong where more than half of it is void in the truth, or crowd
    of its class.

    Source: Kirillov et al. 2019, "Panoptic segmentation", eq. 1; void and crowd as in panopticapi.
    Difference: panopticapi looks at one crowd of a class in a picture, here all count.

    Args:
        truths, found: the segments of each picture.
        things: the classes that are things. Then `summary` has PQ_things, PQ_stuff and so on.
    """
    if len(truths) != len(found):
        raise ValueError(f"found: expected {len(truths)} pictures, received {len(found)}.")
    sums: dict[int, np.ndarray] = {}  # class: TP, FP, FN, sum of IoU
    for index, (truth, said) in enumerate(zip(truths, found)):
        _check(index, truth, said)
        for label, numbers in _count(truth, said):
            sums[label] = sums.get(label, np.zeros(4)) + numbers
    classes = np.array(sorted(sums), int)
    right, wrong, missed, overlap = np.array([sums[label] for label in classes.tolist()]).reshape(-1, 4).T
    recognition = right / (right + wrong / 2 + missed / 2)  # each class has one of the three
    segmentation = np.divide(overlap, right, out=np.zeros(len(classes)), where=right > 0)
    values = {"PQ": segmentation * recognition, "SQ": segmentation, "RQ": recognition}
    summary = {name: _mean(each) for name, each in values.items()}
    if things is not None:
        are_things = np.isin(classes, sorted(things))
        for part, chosen in (("things", are_things), ("stuff", ~are_things)):
            summary |= {f"{name}_{part}": _mean(each[chosen]) for name, each in values.items()}
    counts = np.stack([right, wrong, missed], axis=1).astype(int)
    return PanopticQuality(classes, values["PQ"], segmentation, recognition, counts, summary)


def _check(index, truth, found):
    """Segments must be maps of one shape, and their classes those of the ids."""
    for name, part in (("truths", truth), ("found", found)):
        ids = as_labels(f"{name}[{index}].ids", part.ids)
        if ids.ndim != 2:
            raise ValueError(f"{name}[{index}].ids: expected [H, W], received shape {ids.shape}.")
        there, given = set(np.unique(ids).tolist()) - {VOID}, {int(each) for each in part.classes}
        if there != given:
            shown = validation.shown
            raise ValueError(
                f"{name}[{index}].classes: expected the ids {shown(sorted(there))}, received {shown(sorted(given))}."
            )
    if np.shape(truth.ids) != np.shape(found.ids):
        raise ValueError(f"found[{index}].ids: expected shape {np.shape(truth.ids)}, received {np.shape(found.ids)}.")
    if len(found.crowd) or not set(truth.crowd) <= set(truth.classes):
        raise ValueError(f"crowd of picture {index}: expected ids of true segments, received others.")


def _count(truth, found):
    """(class, (TP, FP, FN, sum of IoU)) of each class with a segment that counts in a picture."""
    shared = _shared(truth, found)
    true_ids, found_ids = sorted(truth.classes), sorted(found.classes)
    true_classes = np.array([truth.classes[each] for each in true_ids], int)
    found_classes = np.array([found.classes[each] for each in found_ids], int)
    crowd = np.isin(true_ids, list(truth.crowd))
    true_areas, found_areas = shared.sum(axis=1)[1:], shared.sum(axis=0)[1:]
    void, inner = shared[0, 1:], shared[1:, 1:]
    overlaps = inner / (true_areas[:, None] + found_areas - inner - void)
    same = true_classes[:, None] == found_classes
    matched = same & ~crowd[:, None] & (overlaps > 0.5)
    unclear = void + (inner * (same & crowd[:, None])).sum(axis=0)
    missed = ~crowd & ~matched.any(axis=1)
    wrong = ~matched.any(axis=0) & (unclear <= found_areas / 2)
    for label in np.union1d(true_classes, found_classes).tolist():
        hits = matched & (true_classes == label)[:, None]
        numbers = (hits.sum(), wrong[found_classes == label].sum(), missed[true_classes == label].sum(), overlaps[hits].sum())
        if any(numbers):
            yield label, np.array(numbers, float)


def _shared(truth, found):
    """Pixels that segments share, `[T + 1, F + 1]`; the first row and column are void."""
    places, sizes = [], []
    for part in (truth, found):
        known = np.array([VOID, *sorted(part.classes)])
        order = np.argsort(known, kind="stable")  # ids may be negative
        places.append(order[np.searchsorted(known, np.ravel(part.ids), sorter=order)])
        sizes.append(len(known))
    return np.bincount(places[0] * sizes[1] + places[1], minlength=sizes[0] * sizes[1]).reshape(sizes)


def _mean(values):
    return float(values.mean()) if values.size else float("nan")
