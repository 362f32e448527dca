"""FCOS and RetinaNet: targets against loops over places, answers read back, edges."""

import keras
import numpy as np
import pytest

from lab.models import small_resnet
from lab.vision import FCOS, RetinaNet, generalized_iou
from lab.vision.dense_head import best_boxes, dense_head, one_hot_labels, places
from tests.contracts import as_array

SIZE = 64
KINDS = {"fcos": FCOS, "retinanet": RetinaNet}


def backbone():
    return small_resnet((SIZE, SIZE, 3), 2, depth=8, width=0.5, seed=0)


def detector(kind, seed=1):
    strides = (1, 2, 4)  # the strides of this backbone
    return KINDS[kind](backbone(), 3, strides=strides, channels=8, depth=1, seed=seed)


@pytest.fixture(scope="module", params=KINDS)
def ours(request):
    return detector(request.param)


def objects(seed, count=4, pictures=3):
    """Random boxes of 3 to 40 pixels, some of them missing."""
    rng = np.random.default_rng(seed)
    sides = rng.uniform(3, 40, (pictures, count, 2))
    corner = rng.uniform(0, SIZE - sides)
    labels = rng.integers(-1, 3, (pictures, count, 1))
    return np.concatenate([corner, corner + sides, labels], axis=-1).astype("float32")


def fcos_loop(ours, wanted):
    """(labels, centerness, boxes) of one picture, place by place."""
    labels, central = np.full(len(ours.places), -1), np.zeros(len(ours.places))
    boxes = np.zeros((len(ours.places), 4))
    for index, ((x, y), stride) in enumerate(zip(ours.places.astype(float), ours.strides)):
        smallest = np.inf
        for left, top, right, bottom, label in wanted.astype(float):
            sides = x - left, y - top, right - x, bottom - y
            low = 0 if stride == 1 else 4 * stride
            high = np.inf if stride == 4 else 8 * stride
            near = max(abs(x - (left + right) / 2), abs(y - (top + bottom) / 2)) < 1.5 * stride
            size = (right - left) * (bottom - top)
            if label >= 0 and min(sides) > 0 and near and low < max(sides) <= high and size < smallest:
                smallest, labels[index], boxes[index] = size, label, (left, top, right, bottom)
                across, down = (min(pair) / max(pair) for pair in (sides[::2], sides[1::2]))
                central[index] = np.sqrt(across * down)
    return labels, central, boxes


def test_targets_of_fcos_against_a_loop():
    ours, wanted = detector("fcos"), objects(0)
    targets = ours.assign(wanted)
    for picture in range(3):
        labels, central, boxes = fcos_loop(ours, wanted[picture])
        assert (labels >= 0).sum() > 3
        np.testing.assert_array_equal(as_array(targets.labels)[picture], labels)
        np.testing.assert_allclose(as_array(targets.centerness)[picture], central, atol=1e-5)
        np.testing.assert_allclose(as_array(targets.boxes)[picture][labels >= 0], boxes[labels >= 0])


def retinanet_loop(ours, wanted):
    """The label of each anchor of one picture: by IoU, then each object's best."""
    labels = np.full(len(ours.anchors), -1)
    overlaps = np.full((len(ours.anchors), len(wanted)), -1.0)
    for column, (left, top, right, bottom, label) in enumerate(wanted.astype(float)):
        if label < 0:
            continue
        for row, (a, b, c, d) in enumerate(ours.anchors.astype(float)):
            shared = max(min(c, right) - max(a, left), 0) * max(min(d, bottom) - max(b, top), 0)
            overlaps[row, column] = shared / ((c - a) * (d - b) + (right - left) * (bottom - top) - shared)
    for row, line in enumerate(overlaps):
        best = line.max()
        labels[row] = wanted[line.argmax(), 4] if best >= 0.5 else -1 if best < 0.4 else -2
    for column in np.flatnonzero(wanted[:, 4] >= 0):
        labels[overlaps[:, column].argmax()] = wanted[column, 4]
    return labels


def test_targets_of_retinanet_against_a_loop():
    ours = RetinaNet(backbone(), 3, strides=(2, 4), channels=8, depth=1, seed=1)
    wanted = objects(1, pictures=1)
    labels = as_array(ours.assign(wanted).labels)[0]
    expected = retinanet_loop(ours, wanted[0])
    assert (expected >= 0).sum() > 2 and (expected == -2).any()
    assert (labels == expected).mean() > 0.999  # two anchors of one object may be equally good
    small = np.array([[[10.5, 10.5, 12.5, 12.5, 1]]], "float32")  # no anchor has an IoU of 0.4 with it
    assert set(as_array(ours.assign(small).labels)[0].tolist()) == {1, -1}


def test_anchors_by_hand_and_boxes_there_and_back():
    ours = RetinaNet(backbone(), 3, strides=(2, 4), channels=8, depth=1, seed=1)
    assert ours.anchors.shape == (9 * (32**2 + 16**2), 4)
    np.testing.assert_allclose(ours.anchors[1], [1 - 4, 1 - 4, 1 + 4, 1 + 4])  # a square of 4 strides
    wide = ours.anchors[0]
    assert (wide[2] - wide[0]) / (wide[3] - wide[1]) == pytest.approx(2)
    boxes = ours.anchors + np.random.default_rng(0).uniform(-2, 2, ours.anchors.shape).astype("float32")
    outputs = np.concatenate([np.zeros((len(boxes), 3), "float32"), as_array(ours.encode(boxes))], axis=-1)
    np.testing.assert_allclose(as_array(ours.boxes(outputs)), boxes, atol=1e-4)
    by_hand = as_array(ours.encode(np.tile([[0, 0, 8, 4]], (len(boxes), 1)).astype("float32")))[1]
    np.testing.assert_allclose(by_hand, [3 / 8, 1 / 8, 0, np.log(4 / 8)], atol=1e-6)


def perfect(ours, wanted):
    """Outputs that say exactly what the targets are."""
    targets = ours.assign(wanted)
    logits = 40 * as_array(one_hot_labels(targets.labels, 3)) - 20
    if isinstance(ours, RetinaNet):
        return np.concatenate([logits, as_array(targets.deltas)], axis=-1)
    boxes = as_array(targets.boxes)
    sides = np.maximum(np.concatenate([ours.places - boxes[..., :2], boxes[..., 2:] - ours.places], -1), 1e-3)
    central = np.clip(as_array(targets.centerness), 1e-6, 1 - 1e-6)
    inverse = np.log(np.expm1(sides / ours.strides[:, None]))
    return np.concatenate([logits, inverse, np.log(central / (1 - central))[..., None]], axis=-1).astype("float32")


@pytest.mark.slow
def test_what_is_said_exactly_is_read_back(ours):
    wanted = np.array([[[4, 4, 20, 14, 1], [30, 16, 42, 32, 0], [-1, -1, -1, -1, -1]]], "float32")
    outputs = perfect(ours, wanted)
    boxes, scores, labels = (as_array(part)[0] for part in ours.decode(outputs))
    found = scores > 0.5
    assert sorted(labels[found].tolist()) == [0, 1] and (np.diff(scores) <= 0).all()
    for box, label in zip(boxes[found], labels[found]):
        np.testing.assert_allclose(box, wanted[0, 1 - label, :4], atol=1e-3)
    assert scores[~found].max(initial=0) == 0
    worse = outputs.copy()
    worse[..., 3:7] += 0.3
    assert as_array(ours.loss(wanted, worse)) > as_array(ours.loss(wanted, outputs)) + 0.05


def test_the_loss_of_fcos_by_hand():
    ours = detector("fcos")
    wanted = np.array([[[4, 4, 20, 14, 1]]], "float32")
    outputs = np.random.default_rng(0).normal(0, 1, (1, len(ours.places), 8)).astype("float32")
    labels, central, boxes = fcos_loop(ours, wanted[0])
    y, z = outputs[0, :, :3].astype(float), outputs[0, :, 7].astype(float)
    p, true = 1 / (1 + np.exp(-y)), np.eye(4)[labels][:, :3]
    focal = -np.where(true > 0, 0.25 * (1 - p) ** 2 * np.log(p), 0.75 * p**2 * np.log(1 - p)).sum()
    there = labels >= 0
    box = (1 - as_array(generalized_iou(as_array(ours.boxes(outputs))[0], boxes.astype("float32"))))[there].sum()
    q = 1 / (1 + np.exp(-z))
    crossed = -(central * np.log(q) + (1 - central) * np.log(1 - q))[there].sum()
    assert as_array(ours.loss(wanted, outputs)) == pytest.approx((focal + box + crossed) / there.sum(), rel=1e-4)


def test_levels_share_the_head():
    maps = [keras.Input((4, 4, 5)), keras.Input((2, 2, 5))]
    outputs = dense_head(maps, {"a": [("x", 2, 0.5)]}, channels=6, depth=2, anchors=3, seed=0)
    network = keras.Model(maps, outputs)
    assert outputs.shape == (None, 3 * (16 + 4), 2)
    convolutions = (9 * 5 * 6 + 2 * 6) + (9 * 6 * 6 + 2 * 6)  # no biases, but scales and shifts of the norms
    assert network.count_params() == convolutions + 9 * 6 * 6 + 6
    middles, strides = places((16, 16), (4, 8))
    assert middles[0].tolist() == [2, 2] and middles[1].tolist() == [6, 2] and middles[16].tolist() == [4, 4]
    assert strides.tolist() == [4.0] * 16 + [8.0] * 4


def test_the_best_of_each_class_is_kept():
    boxes = np.array([[[0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40]]], "float32")
    scores = np.array([[[0.9, 0.3], [0.8, 0.7], [0.04, 0.02]]], "float32")
    found, best, labels = (as_array(part)[0] for part in best_boxes(scores, boxes, least=0.05, threshold=0.5, most=4))
    np.testing.assert_allclose(best, [0.9, 0.7, 0, 0])
    assert labels[:2].tolist() == [0, 1] and found[:2].tolist() == boxes[0, :2].tolist()
    assert as_array(one_hot_labels(np.array([-2, -1, 0, 1]), 2)).tolist() == [[0, 0], [0, 0], [1, 0], [0, 1]]
