"""Boundary IoU: hand values, a slow definition, and faster-coco-eval on random masks."""

import numpy as np
import pytest

from lab.metrics import boundaries, boundary_iou, boundary_overlaps, mask_overlaps
from tests.contracts import raises

SQUARE = np.zeros((9, 9), bool)
SQUARE[2:7, 2:7] = True  # 5 x 5


def test_boundaries_by_hand():
    ring = SQUARE.copy()
    ring[3:6, 3:6] = False
    np.testing.assert_array_equal(boundaries(SQUARE, 1), ring)
    dot = SQUARE.copy()
    dot[4, 4] = False
    np.testing.assert_array_equal(boundaries(SQUARE, 2), dot)
    np.testing.assert_array_equal(boundaries(SQUARE, 3), SQUARE)
    hole = boundaries(~dot, 1)  # a hole has an edge too, and corners touch
    assert boundaries(dot, 1)[3:6, 3:6].sum() == 8 and hole[4, 4]
    full = np.ones((5, 6), bool)
    assert (~boundaries(full, 1)).sum() == 3 * 4  # the picture's border is an edge
    assert not boundaries(np.zeros((5, 6), bool), 1).any()


def test_the_default_is_two_percent_of_the_diagonal():
    full = np.ones((300, 400), bool)  # 500: 10 pixels
    np.testing.assert_array_equal(boundaries(full), boundaries(full, 10))
    np.testing.assert_array_equal(boundaries(full[:20, :20]), boundaries(full[:20, :20], 1))


def test_overlaps_by_hand():
    moved = np.roll(SQUARE, 1, axis=1)
    # Rings of 16 pixels: rows 2 and 6 share 4 each, the sides share none.
    np.testing.assert_allclose(boundary_overlaps([SQUARE, moved], [SQUARE], 1), [[1], [8 / 24]])
    assert mask_overlaps([moved], [SQUARE])[0, 0] == 20 / 30
    assert boundary_overlaps(np.zeros((2, 9, 9)), np.zeros((3, 9, 9))).tolist() == [[0] * 3] * 2
    assert boundary_overlaps(np.zeros((0, 9, 9)), [SQUARE]).shape == (0, 1)


def slow_boundary(mask, distance):
    height, width = mask.shape
    padded = np.pad(mask, distance)
    windows = (padded[y : y + 2 * distance + 1, x : x + 2 * distance + 1] for y in range(height) for x in range(width))
    return mask & ~np.array([window.all() for window in windows]).reshape(mask.shape)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_it_is_the_slow_definition(distance):
    rng = np.random.default_rng(distance)
    masks = rng.random((3, 11, 14)) < [[[0.5]], [[0.8]], [[0.97]]]
    expected = np.array([slow_boundary(mask, distance) for mask in masks])
    np.testing.assert_array_equal(boundaries(masks, distance), expected)


def test_classes_by_hand():
    truth, found = SQUARE.astype(int), np.roll(SQUARE, 1, axis=1).astype(int)
    pair, same = boundary_iou(truth, found, 3), boundary_iou(truth, truth, 3)
    assert pair[1] == 8 / 24 and np.isnan(pair[2]) and 0 < pair[0] < 1
    np.testing.assert_array_equal(same, [1, 1, np.nan])
    both = boundary_iou([truth, truth], [truth, found], 2)
    assert both[1] == (16 + 8) / (16 + 24)  # summed over pictures, then divided
    assert boundary_iou(truth, found * 2, 3)[2] == 0


def test_ignored_pixels_are_outside_both():
    truth, found = np.zeros((6, 6), int), np.zeros((6, 6), int)
    truth[:, 3:], found[:, 4:] = 255, 1  # what is said of ignored pixels does not matter
    np.testing.assert_array_equal(boundary_iou(truth, found, 2, ignored=255), [1, np.nan])
    found[0, 0] = 1
    ring = 6 * 3 - 4
    # Without its corner the found mask has one boundary pixel less, and one more at (1, 1).
    np.testing.assert_allclose(boundary_iou(truth, found, 2, ignored=255), [(ring - 1) / (ring + 1), 0])
    assert np.isnan(boundary_iou(np.full((3, 3), 9), np.zeros((3, 3), int), 2, ignored=9)).all()


def of_faster_coco_eval(masks, truths, distance):
    mask = pytest.importorskip("faster_coco_eval.core.mask")
    share = distance / np.hypot(*masks.shape[1:])
    encode = [[mask.encode(np.asfortranarray(each.astype("uint8"))) for each in part] for part in (masks, truths)]
    edges = [[mask.rleToBoundary(each, share) for each in part] for part in encode]
    return np.array(mask.iou(*edges, [0] * len(truths)), float).reshape(len(masks), len(truths))


def random_masks(rng, count, size):
    """Filled ellipses with noise, and noise alone."""
    y, x = np.mgrid[: size[0], : size[1]]
    masks = []
    for _ in range(count):
        centre, radius = rng.uniform(0, size), rng.uniform(2, 12, 2)
        blob = ((y - centre[0]) / radius[0]) ** 2 + ((x - centre[1]) / radius[1]) ** 2 < 1
        masks.append(blob ^ (rng.random(size) < rng.choice([0, 0.02, 0.5])))
    return np.array(masks)


@pytest.mark.parametrize("cases", [20, pytest.param(300, marks=pytest.mark.long)])
def test_it_is_faster_coco_evals(cases):
    rng = np.random.default_rng(cases)
    for _ in range(cases):
        size, distance = rng.integers(8, 40, 2), int(rng.integers(1, 4))  # lower pictures than 2 d + 1 it has wrong
        masks, truths = random_masks(rng, 3, size), random_masks(rng, 2, size)
        truths[0] = masks[0] ^ (rng.random(size) < 0.05)
        expected = of_faster_coco_eval(masks, truths, distance)
        np.testing.assert_allclose(boundary_overlaps(masks, truths, distance), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: boundaries(SQUARE, 0), "distance: expected an integer >= 1, received 0"),
        (lambda: boundaries(SQUARE[0]), r"masks: expected \[..., H, W\], received shape \(9,\)"),
        (lambda: boundary_overlaps(SQUARE, SQUARE), r"masks: expected \[D, H, W\] and truths \[G, H, W\], received \(9, 9\)"),
        (lambda: boundary_iou(SQUARE * 3, SQUARE * 1, 3), "truth: expected labels from 0 to 2, received 3"),
        (lambda: boundary_iou(SQUARE * 1, SQUARE * 3, 3), "found: expected labels from 0 to 2, received 3"),
        (lambda: boundary_iou(SQUARE * 1.0, SQUARE, 3), "truth: expected integers, received float64"),
    ],
)
def test_bad_input_is_named(call, words):
    with raises(words):
        call()
