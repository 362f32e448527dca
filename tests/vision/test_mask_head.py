"""RoIAlign against a loop, targets of masks by hand, masks put back into pictures."""

import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.vision import crop_masks, paste_masks, roi_align, roi_align_levels
from tests.contracts import as_array, raises, uniform

BOXES = np.array(
    [
        [[0, 0, 8, 8], [1.3, 2.1, 6.7, 5.9], [-3, -2, 5, 20], [3, 3, 3, 3]],
        [[6, 1, 2, 5], [90, 90, 99, 99], [-50, 0, -40, 8], [7.5, 11.5, 8, 12]],
    ],
    "float32",
)  # whole, fractional, beyond the picture, empty; turned, outside twice, the last corner


def interpolated(maps, y, x):
    """The bilinear value of `[h, w, C]` at a place, float64."""
    height, width = maps.shape[:2]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(maps.shape[2])
    y, x = max(y, 0), max(x, 0)
    top, left = min(int(y), height - 1), min(int(x), width - 1)
    down, right = (y - top if top < height - 1 else 0), (x - left if left < width - 1 else 0)
    bottom, beside = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = (1 - right) * maps[top, left] + right * maps[top, beside]
    lower = (1 - right) * maps[bottom, left] + right * maps[bottom, beside]
    return (1 - down) * upper + down * lower


def loop(maps, boxes, size, stride, samples):
    found = np.zeros((*boxes.shape[:2], size, size, maps.shape[-1]))
    for (picture, number, row, column, _), _ in np.ndenumerate(found[..., :1]):
        left, top, right, bottom = boxes[picture, number].astype("float64") / stride
        for i in range(samples):
            for j in range(samples):
                y = top + (row + (i + 0.5) / samples) * (bottom - top) / size - 0.5
                x = left + (column + (j + 0.5) / samples) * (right - left) / size - 0.5
                found[picture, number, row, column] += interpolated(maps[picture], y, x) / samples**2
    return found


@pytest.mark.parametrize(("size", "stride", "samples"), [(3, 2, 2), (2, 1, 3), (1, 4, 1)])
def test_it_is_the_loop(size, stride, samples):
    maps = uniform(0, 2, 12 // stride, 8 // stride, 3)
    expected = loop(maps.astype("float64"), BOXES, size, stride, samples)
    assert np.abs(expected[1, 1:3]).max() == 0 < np.abs(expected[1, 3]).max()
    np.testing.assert_allclose(as_array(roi_align(maps, BOXES, size, stride, samples)), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "samples"), [(3, 2, 2), (7, 1, 1)])
def test_it_is_that_of_torchvision(size, stride, samples):
    torchvision = pytest.importorskip("torchvision")
    torch = pytest.importorskip("torch")
    maps = uniform(0, 2, 12 // stride, 8 // stride, 3)
    boxes = [torch.tensor(each) for each in BOXES]
    given = torch.tensor(maps.transpose(0, 3, 1, 2).copy())
    expected = torchvision.ops.roi_align(given, boxes, size, 1 / stride, samples, aligned=True).numpy()
    ours = as_array(roi_align(maps, BOXES, size, stride, samples))
    np.testing.assert_allclose(ours, expected.transpose(0, 2, 3, 1).reshape(ours.shape), atol=1e-5)


def test_a_slope_is_read_exactly():
    maps = np.arange(10, dtype="float32")[None, None, :, None] * np.ones((1, 6, 1, 1), "float32")
    # 8 to 24 is 2 to 6 in pixels of the map. The cells' middles are 3 and 5, those of pixels 1/2.
    found = as_array(roi_align(maps, np.array([[[8, 4, 24, 12]]], "float32"), 2, 4))[0, 0, ..., 0]
    np.testing.assert_allclose(found, [[2.5, 4.5], [2.5, 4.5]], atol=1e-6)


def test_gradients_are_finite_and_in_the_maps_go_where_the_boxes_are():
    def loss(maps, boxes):
        return ops.sum(ops.square(roi_align(maps, boxes, 2, 1))), ()

    maps, inner = uniform(0, 2, 12, 8, 1), np.float32([[[2, 3, 4, 5]]] * 2)
    for wrt in (0, 1):
        given = [maps, BOXES]

        def of_one(x, wrt=wrt, given=given):
            return loss(*(x if place == wrt else each for place, each in enumerate(given)))

        (_, _), gradient = engine.value_and_grad(of_one)(ops.convert_to_tensor(given[wrt]))
        assert np.isfinite(as_array(gradient)).all() and as_array(gradient).any()
    (_, _), gradient = engine.value_and_grad(lambda x: loss(x, inner))(ops.convert_to_tensor(maps))
    rows, columns = np.nonzero(as_array(gradient)[0, ..., 0])
    assert {*rows} <= {2, 3, 4, 5} and {*columns} <= {1, 2, 3, 4}


def test_targets_by_hand():
    instances = np.zeros((1, 4, 6), "uint8")
    instances[0, :, 1:3] = 1
    instances[0, 2:, 3:5] = 2
    boxes = np.array([[[1, 0, 3, 4], [1, 0, 5, 4], [1, 0, 5, 4], [1, 0, 5, 4]]], "float32")
    found = as_array(crop_masks(instances, boxes, np.array([[0, 0, 1, -1]]), 2))[0]
    assert found.dtype == "float32"
    assert found.tolist() == [[[1, 1], [1, 1]], [[1, 0], [1, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]]]


def test_targets_are_half_of_the_loop():
    rng = np.random.default_rng(0)
    instances = rng.integers(0, 3, (2, 6, 6)).astype("uint8").repeat(2, 1).repeat(2, 2)[:, :, :8]
    places = rng.integers(0, 2, (2, 4))
    expected = np.zeros((2, 4, 3, 3))
    for (picture, number), place in np.ndenumerate(places):
        own = (instances[picture] == place + 1)[None, ..., None].astype("float64")
        expected[picture, number] = loop(own, BOXES[picture : picture + 1, number : number + 1], 3, 1, 2)[0, 0, ..., 0]
    sure = np.abs(expected - 0.5) > 1e-4
    found = as_array(crop_masks(instances, BOXES, places, 3))
    np.testing.assert_array_equal(found[sure], (expected >= 0.5)[sure])
    assert 0 < found.mean() < 1


def test_masks_are_put_into_the_picture():
    boxes = np.array([[1, 2, 5, 4], [-2, 1, 2, 3], [3, 3, 3, 5], [20, 20, 30, 30]], "float32")
    expected = np.zeros((4, 5, 6), bool)
    expected[0, 2:4, 1:5] = True
    expected[1, 1:3, :2] = True  # half of it is beyond the picture; the last two are empty or outside
    for cells in (2, 28):
        np.testing.assert_array_equal(paste_masks(np.ones((4, cells, cells)), boxes, 5, 6), expected)
    half = np.array([[[1, 0], [1, 0]]])
    assert paste_masks(half, boxes[:1], 5, 6)[0, 2].tolist() == [False, True, True, False, False, False]
    assert paste_masks(half, boxes[:1], 5, 6, threshold=0.2)[0, 2].tolist() == [True, True, True, True, False, False]


def test_pasting_is_a_loop():
    probabilities, boxes = np.random.default_rng(0).random((8, 3, 3)), BOXES.reshape(-1, 4)
    found = paste_masks(probabilities, boxes, 12, 8)
    for (number, row, column), inside in np.ndenumerate(found):
        left, top, right, bottom = boxes[number].astype("float64")
        if right <= left or bottom <= top:
            assert not inside
            continue
        y, x = (row + 0.5 - top) / (bottom - top) * 3 - 0.5, (column + 0.5 - left) / (right - left) * 3 - 0.5
        around = np.pad(probabilities[number], 1)  # 0 beyond
        value = 0.0
        if -1 <= y <= 3 and -1 <= x <= 3:
            value = interpolated(around[..., None], y + 1, x + 1)[0]
        assert inside == (value >= 0.5) or abs(value - 0.5) < 1e-6
    assert 0 < found.mean() < 1


def test_what_is_cropped_is_put_back():
    rows, columns = np.mgrid[:40, :40] + 0.5
    disc = (rows - 22) ** 2 + (columns - 17) ** 2 < 12**2
    box = np.array([[5, 10, 29, 34]], "float32")
    mask = as_array(crop_masks(disc[None].astype("uint8"), box[None], np.array([[0]]), 28))[0]
    back = paste_masks(mask, box, 40, 40)[0]
    assert (back & disc).sum() / (back | disc).sum() > 0.97


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: roi_align(uniform(0, 1, 4, 4, 1), BOXES[0], 2, 1),
            r"maps, boxes: expected .*received \(1, 4, 4, 1\) and \(4, 4\)",
        ),
        (lambda: roi_align(uniform(0, 2, 4, 4, 1), BOXES, 0, 1), "size: expected an integer >= 1, received 0"),
        (lambda: roi_align(uniform(0, 2, 4, 4, 1), BOXES, 2, 0), "stride: expected a number > 0, received 0"),
        (lambda: roi_align(uniform(0, 2, 4, 4, 1), BOXES, 2, 1, 0), "samples: expected an integer >= 1, received 0"),
        (lambda: paste_masks(np.ones((1, 2, 2)), BOXES, 4, 4), r"probabilities, boxes: expected .*received \(1, 2, 2\)"),
        (lambda: paste_masks(np.ones((4, 2, 2)), BOXES[0], 0, 4), "height: expected an integer >= 1, received 0"),
        (lambda: paste_masks(np.ones((4, 2, 2)), BOXES[0], 4, 4, 0.0), "threshold: expected a number > 0 and <= 1"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()


def test_a_box_is_read_from_the_level_of_its_size():
    """Strides 4, 8, 16: sides below 112 in the first, from 224 in the third."""
    maps = [np.full((1, 64 // 2**level, 64 // 2**level, 2), level, "float32") for level in range(3)]
    sides = [10, 111, 113, 223, 225, 256]
    boxes = np.array([[[0, 0, side, side] for side in sides] + [[0, 0, 56, 256], [5, 5, 5, 5]]], "float32")
    found = as_array(roi_align_levels(maps, boxes, 2, (4, 8, 16)))
    assert found.shape == (1, 8, 2, 2, 2)
    np.testing.assert_array_equal(found[0, :, 0, 0, 0], [0, 0, 1, 1, 2, 2, 1, 0])  # 56 x 256 is as large as 120 x 120
    np.testing.assert_array_equal(found.std(axis=(2, 3, 4)), 0)


def test_levels_read_what_roi_align_reads():
    maps, boxes = uniform(0, 1, 16, 16, 3), np.array([[[3, 5, 30, 20], [8, 0, 40, 64]]], "float32")
    expected = as_array(roi_align(maps, boxes, 3, 4))
    np.testing.assert_allclose(as_array(roi_align_levels([maps, maps[:, ::2, ::2]], boxes, 3, (4, 8))), expected, atol=1e-6)
