"""COCO's average precision: hand values, and pycocotools on random cases."""

import contextlib
import io

import numpy as np
import pytest

from lab.metrics import Detections, Objects, average_precision, box_overlaps, mask_overlaps
from tests.contracts import raises

SQUARE = [0, 0, 10, 10]


def objects(*boxes, labels=None, **options):
    return Objects(np.reshape(boxes, (-1, 4)).astype(float), np.zeros(len(boxes), int) if labels is None else labels, **options)


def detections(*boxes, scores, labels=None):
    labels = np.zeros(len(boxes), int) if labels is None else labels
    return Detections(np.reshape(boxes, (-1, 4)).astype(float), np.array(scores, float), labels)


def scores(truths, found, **options):
    return average_precision(truths, found, **options).summary


def test_what_is_found_is_one_and_what_is_not_is_zero():
    found = scores([objects(SQUARE)], [detections(SQUARE, scores=[0.3])])
    assert {name: found[name] for name in ("AP", "AP50", "AP75", "AP_small", "AR_1", "AR_100")} == dict.fromkeys(
        ("AP", "AP50", "AP75", "AP_small", "AR_1", "AR_100"), 1.0
    )
    assert np.isnan(found["AP_large"]) and np.isnan(found["AR_medium"])
    assert scores([objects(SQUARE)], [detections(scores=[])])["AP"] == 0
    assert np.isnan(scores([objects()], [detections(SQUARE, scores=[0.3])])["AP"])


def test_a_box_counts_up_to_its_overlap():
    # IoU of 10 x 8 within 10 x 10 is 0.8: right at 0.5, 0.55 ... 0.8, seven of ten thresholds.
    found = scores([objects(SQUARE)], [detections([0, 0, 10, 8], scores=[0.3])])
    assert found["AP"] == pytest.approx(0.7) and found["AP75"] == 1 and found["AR_100"] == pytest.approx(0.7)


def test_a_wrong_one_before_a_right_one_halves_precision_and_one_after_it_does_nothing():
    far = [50, 50, 60, 60]
    assert scores([objects(SQUARE)], [detections(far, SQUARE, scores=[0.9, 0.3])])["AP"] == 0.5
    assert scores([objects(SQUARE)], [detections(far, SQUARE, scores=[0.1, 0.3])])["AP"] == 1
    assert scores([objects(SQUARE)], [detections(SQUARE, SQUARE, scores=[0.9, 0.8])])["AP"] == 1  # a second of the same
    assert scores([objects(SQUARE)], [detections(far, SQUARE, scores=[0.9, 0.3])])["AR_1"] == 0


def test_interpolation_is_over_101_recalls():
    # Precision 1 up to recall 1/2, then 2/3 up to recall 1.
    two = objects(SQUARE, [20, 0, 30, 10])
    found = scores([two], [detections(SQUARE, [50, 50, 60, 60], [20, 0, 30, 10], scores=[0.9, 0.8, 0.7])])
    assert found["AP"] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_crowds_are_neither_missed_nor_wrong():
    crowd = objects(SQUARE, [20, 0, 60, 40], crowd=np.array([False, True]))
    within = [[22, 2, 30, 10], [40, 20, 50, 30]]
    assert scores([crowd], [detections(SQUARE, *within, scores=[0.5, 0.9, 0.8])])["AP"] == 1
    np.testing.assert_allclose(box_overlaps(within, crowd.boxes, crowd.crowd), [[0, 1], [0, 1]])


def test_areas_of_ones_own():
    areas = {"all": (0, 1e9), "small": (0, 150), "large": (150, 1e9)}
    found = scores([objects(SQUARE, [0, 0, 30, 30])], [detections(SQUARE, scores=[0.3])], areas=areas)
    assert found["AP_small"] == 1 and found["AP_large"] == 0 and found["AP"] == pytest.approx(51 / 101)


def test_by_class():
    truth = objects(SQUARE, [20, 0, 30, 10], labels=np.array([3, 7]))
    result = average_precision([truth], [detections(SQUARE, scores=[0.3], labels=np.array([3]))])
    assert result.by_class == {3: 1.0, 7: 0.0} and result.summary["AP"] == 0.5


def test_masks():
    masks = np.zeros((2, 6, 6), bool)
    masks[0, :, :3] = masks[1, :, 2:4] = True
    np.testing.assert_allclose(mask_overlaps(masks, masks), [[1, 6 / 24], [6 / 24, 1]])
    truth = Objects(np.array([[0, 0, 3, 6], [2, 0, 4, 6.0]]), np.zeros(2, int), masks)
    found = Detections(truth.boxes, np.array([0.9, 0.8]), np.zeros(2, int), masks[::-1])
    assert scores([truth], [found])["AP"] == 1 == scores([truth], [found], of_masks=True)["AP"]
    halves = found._replace(masks=masks & (np.arange(6) < 3)[:, None])
    assert scores([truth], [halves], of_masks=True)["AP"] == pytest.approx(0.1)  # IoU 0.5


def random_case(rng, of_masks):
    """Pictures with crowds, ties, empty ones, and areas that are not those of the boxes."""
    pictures = []
    for _ in range(rng.integers(1, 6)):
        count, detected = rng.integers(0, 6), rng.integers(0, 9)
        corners = rng.integers(0, 90, (count, 2)).astype(float)
        boxes = np.concatenate([corners, corners + rng.integers(0, 130, (count, 2))], axis=1)
        copies = boxes[rng.integers(0, max(count, 1), detected)] if count else np.zeros((detected, 4))
        near = np.round(copies + rng.normal(0, rng.choice([0, 4, 20]), copies.shape))
        near[:, 2:] = np.maximum(near[:, :2], near[:, 2:])
        labels, given = rng.integers(0, 3, count), rng.integers(0, 3, detected)
        ties = np.round(rng.random(detected), 1)
        crowd = rng.random(count) < 0.2
        if of_masks:
            masks, found = (
                (rng.random((number, 12, 12)) < 0.6) & (rng.random((number, 1, 12)) < 0.8) for number in (count, detected)
            )
            if count:
                found = np.where(rng.random((detected, 1, 1)) < 0.7, masks[rng.integers(0, count, detected)], found)
                found = found ^ (rng.random(found.shape) < rng.choice([0, 0.1]))
            pictures.append((Objects(boxes, labels, masks, crowd), Detections(near, ties, given, found)))
        else:
            pictures.append((Objects(boxes, labels, None, crowd), Detections(near, ties, given)))
    return [truth for truth, _ in pictures], [found for _, found in pictures]


def of_pycocotools(truths, found, of_masks):
    """The twelve numbers of pycocotools, with nan for -1."""
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools import mask
    from pycocotools.cocoeval import COCOeval

    def shape(part, index):
        box = part.boxes[index]
        if not of_masks:
            return {"bbox": [*box[:2], *(box[2:] - box[:2])], "area": float(np.prod(box[2:] - box[:2]))}
        encoded = mask.encode(np.asfortranarray(part.masks[index].astype("uint8")))
        return {"segmentation": encoded, "area": float(part.masks[index].sum()), "bbox": [0, 0, 1, 1]}

    annotations, results = [], []
    for picture, (truth, detected) in enumerate(zip(truths, found), 1):
        for index, label in enumerate(truth.labels):
            each = {"image_id": picture, "category_id": int(label) + 1, "iscrowd": int(truth.crowd[index])}
            annotations.append({"id": len(annotations) + 1, **each, **shape(truth, index)})
        for index, label in enumerate(detected.labels):
            each = {"image_id": picture, "category_id": int(label) + 1, "score": float(detected.scores[index])}
            results.append({"id": len(results) + 1, "iscrowd": 0, **each, **shape(detected, index)})
    with contextlib.redirect_stdout(io.StringIO()):
        truth, ours = coco.COCO(), coco.COCO()
        pictures = [{"id": index + 1, "height": 12, "width": 12} for index in range(len(truths))]
        categories = [{"id": index} for index in (1, 2, 3)]
        truth.dataset = {"images": pictures, "annotations": annotations, "categories": categories}
        ours.dataset = {"images": pictures, "annotations": results, "categories": categories}
        truth.createIndex()
        ours.createIndex()
        evaluation = COCOeval(truth, ours, "segm" if of_masks else "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.where(evaluation.stats == -1, np.nan, evaluation.stats)


@pytest.mark.parametrize("cases", [40, pytest.param(500, marks=pytest.mark.long)])
@pytest.mark.parametrize("of_masks", [False, True])
def test_it_is_pycocotools(cases, of_masks):
    rng = np.random.default_rng(cases)
    for case in range(cases):
        truths, found = random_case(rng, of_masks)
        ours = list(average_precision(truths, found, of_masks=of_masks).summary.values())
        theirs = of_pycocotools(truths, found, of_masks)
        np.testing.assert_allclose(ours, theirs, atol=1e-12, err_msg=f"case {case}")


@pytest.mark.parametrize(
    ("truths", "found", "words"),
    [
        ([objects(SQUARE)], [], "found: expected 1 pictures, received 0"),
        (
            [objects([5, 0, 1, 9])],
            [detections(scores=[])],
            r"truths\[0\].boxes: expected left <= right .*\[5.0, 0.0, 1.0, 9.0\]",
        ),
        ([objects([np.nan, 0, 1, 9])], [detections(scores=[])], r"truths\[0\].boxes: expected finite numbers \[N, 4\]"),
        ([objects(SQUARE)], [detections(SQUARE, scores=[0.1, 0.2])], r"found\[0\].scores: expected 1, .*received 2"),
        ([objects(SQUARE)], [detections(SQUARE, scores=[np.nan])], r"found\[0\].scores: expected finite numbers"),
        ([objects(SQUARE, labels=np.zeros(2))], [detections(scores=[])], r"truths\[0\].labels: expected 1, .*received 2"),
    ],
)
def test_bad_input_is_named(truths, found, words):
    with raises(words):
        average_precision(truths, found)


def test_masks_and_ranges_must_be_there():
    with raises(r"truths\[0\].masks: expected 1, one for each box, received none"):
        average_precision([objects(SQUARE)], [detections(scores=[])], of_masks=True)
    with raises("areas, most: expected 'all' first and rising numbers, received"):
        average_precision([], [], most=(10, 1))
