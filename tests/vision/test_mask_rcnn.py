"""Mask R-CNN: its boxes, targets and losses in NumPy, files, ten pictures learnt by heart."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.data import scenes
from lab.metrics import Detections, average_precision
from lab.models import resnet, small_resnet
from lab.supervised import Recipe, Training
from lab.vision import MaskRCNN, iou_matrix, masks_in_boxes, paste_masks
from lab.vision.two_stage import BestClasses, LookInto, Proposals
from tests.contracts import as_array, raises, save_and_load, uniform

BOXES = np.array([[[4, 4, 20, 12], [26, 16, 32, 30], [0, 0, 0, 0]]], "float32")
LABELS = np.array([[1, 0, -1]])
INSTANCES = np.zeros((1, 32, 32), "uint8")
INSTANCES[0, 4:12, 4:12] = INSTANCES[0, 4:8, 12:20] = 1  # all but a corner
INSTANCES[0, 16:30, 26:32] = 2
PROPOSALS, FOUND, CLASSES = 6, 4, 2


def detector(seed=1, **options):
    backbone = small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0)
    sizes = {"strides": (2, 4), "channels": 8, "units": 8, "depth": 1, "proposals": PROPOSALS, "most": FOUND}
    return MaskRCNN(backbone, CLASSES, seed=seed, **sizes | options)


@pytest.fixture(scope="module")
def ours():
    return detector()


def flat(parts):
    return np.concatenate([np.reshape(part, (len(part), -1)) for part in parts], axis=-1).astype("float32")


def said(ours, seed=0):
    """Outputs at random, with proposals and found boxes near the objects and far from them."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(1, len(ours.first.anchors), 5))
    proposals = np.array([[[5, 4, 19, 12], [4, 5, 20, 13], [25, 17, 32, 30], [0, 0, 8, 8], [27, 1, 31, 9], [0, 0, 0, 0]]])
    boxes = np.array([[[4, 3, 20, 12], [26, 15, 32, 30], [10, 20, 18, 28], [4, 4, 20, 12]]])
    found = np.concatenate([boxes, [[[0.9], [0.8], [0.5], [0.0]]], [[[1], [1], [0], [1]]]], axis=-1)
    logits, deltas = rng.normal(size=(1, PROPOSALS, CLASSES + 1)), rng.normal(size=(1, PROPOSALS, 4))
    return [first, proposals, logits, deltas, found, rng.normal(size=(1, FOUND, 28, 28, CLASSES))]


def test_outputs_are_taken_apart(ours):
    parts = said(ours)
    for one, other in zip(ours.parts(flat(parts)), parts, strict=True):
        np.testing.assert_allclose(as_array(one), other, rtol=1e-6)
    boxes, scores, labels, masks = (as_array(part) for part in ours.decode(flat(parts)))
    np.testing.assert_allclose(boxes, parts[4][..., :4])
    np.testing.assert_allclose(scores, parts[4][..., 4], rtol=1e-6)
    np.testing.assert_array_equal(labels, [[1, 1, 0, 1]])
    expected = [parts[5][0, index, ..., label] for index, label in enumerate(labels[0])]
    np.testing.assert_allclose(masks[0], 1 / (1 + np.exp(-np.array(expected))), rtol=1e-4)


def test_targets_by_hand(ours):
    objects = np.concatenate([BOXES, LABELS[..., None]], axis=-1).astype("float32")
    targets = ours.assign(objects, flat(said(ours)))
    np.testing.assert_array_equal(as_array(targets.labels), [[1, 1, 0, 2, 2, -1]])
    np.testing.assert_array_equal(as_array(targets.objects), [[0, 1, -1, -1]])  # the last one has the score 0
    deltas = as_array(targets.deltas)[0]
    # From 5..19 x 4..12 to 4..20 x 4..12: as far, log(16 / 14) wider; in units of 0.1 and 0.2.
    np.testing.assert_allclose(deltas[0], [0, 0, np.log(16 / 14) / 0.2, 0], atol=1e-5)
    np.testing.assert_allclose(deltas[1], [0, -1 / 8 / 0.1, 0, 0], atol=1e-5)
    first = as_array(targets.first.labels)
    assert set(np.unique(first)) <= {-2, -1, 0} and (first == 0).any()


def test_the_loss_is_the_papers(ours):
    """In float64: cross-entropies and smooth L1; masks in found boxes, of the object's class."""
    parts, y = said(ours), ours.with_masks(BOXES, LABELS, INSTANCES)
    _, proposals, logits, deltas, found, masks = parts
    labels = [1, 1, 0, 2, 2]
    shares = logits[0] - np.log(np.exp(logits[0]).sum(axis=-1, keepdims=True))
    wrong = -sum(shares[index, label] for index, label in enumerate(labels)) / 5
    away = 0.0
    for index, owner in ((0, 0), (1, 0), (2, 1)):
        (left, top, right, bottom), box = proposals[0, index], BOXES[0, owner].astype("float64")
        sides = np.array([right - left, bottom - top])
        true_sides = box[2:] - box[:2]
        shift = ((box[:2] + box[2:]) / 2 - np.array([left + right, top + bottom]) / 2) / sides
        target = np.concatenate([shift / 0.1, np.log(true_sides / sides) / 0.2])
        gap = np.abs(target - deltas[0, index])
        away += np.where(gap < 1, gap**2 / 2, gap - 0.5).sum() / 5
    of_masks = 0.0
    for index, owner, label in ((0, 0, 1), (1, 1, 0)):
        left, top, right, bottom = found[0, index, :4]
        true = np.zeros((28, 28))
        for row in range(28):
            for column in range(28):  # the mean of 2 x 2 samples of the mask of 28 x 28 cells in the true box
                y_samples = top + (row + np.array([0.25, 0.75])) * (bottom - top) / 28
                x_samples = left + (column + np.array([0.25, 0.75])) * (right - left) / 28
                true[row, column] = np.mean([sample(y[0, owner], x, v) for v in y_samples for x in x_samples]) >= 0.5
        logit = masks[0, index, ..., label]
        of_masks += np.mean(np.log1p(np.exp(logit)) - true * logit) / 2
    objects = np.concatenate([BOXES, np.where(LABELS >= 0, 0, -1)[..., None]], axis=-1).astype("float32")
    first = as_array(ours.first.loss(objects, parts[0].astype("float32")))
    assert as_array(ours.loss(y, flat(parts))) == pytest.approx(first + wrong + away + of_masks, rel=1e-4)


def sample(target, x, y):
    """The bilinear value at a place of the picture, of a mask within its box."""
    left, top, right, bottom = target[:4].astype("float64")
    cells = target[5:].reshape(28, 28)
    row, column = (y - top) / (bottom - top) * 28 - 0.5, (x - left) / (right - left) * 28 - 0.5
    if not (-1 <= row <= 28 and -1 <= column <= 28):
        return 0.0
    row, column = np.clip(row, 0, 27), np.clip(column, 0, 27)
    down, right_of = min(int(row), 26), min(int(column), 26)
    a, b = row - down, column - right_of
    square = cells[down : down + 2, right_of : right_of + 2]
    return np.array([1 - a, a]) @ square @ np.array([1 - b, b])


def test_proposals_are_the_best_boxes_in_the_picture(ours):
    anchors = ours.first.anchors
    outputs = np.full((1, len(anchors), 5), -9, "float32")
    outputs[..., 1:] = 0
    far = int(np.argmin(np.abs(anchors - [20, 20, 28, 28]).sum(axis=-1)))
    near = int(np.argmax(anchors[:, 0] < -1))  # one that begins outside
    outputs[0, far, 0], outputs[0, near, 0] = 3, 2
    found = as_array(Proposals(ours.first.settings, 2)(outputs))
    np.testing.assert_allclose(found[0, 0], anchors[far], atol=1e-4)
    np.testing.assert_allclose(found[0, 1], np.clip(anchors[near], 0, 32), atol=1e-4)


def test_the_best_class_of_a_proposal_is_found_where_the_deltas_lead():
    proposals = np.array([[[4, 4, 12, 12], [4, 4, 12, 13], [20, 20, 30, 30], [0, 0, 0, 0]]], "float32")
    logits = np.array([[[5, 0, 0], [4, 0, 0], [0, 0, 5], [9, 0, 0]]], "float32")  # twice, background, nothing there
    deltas = np.zeros((1, 4, 4), "float32")
    deltas[0, 0, 0] = 2.5  # by 2.5 x 0.1 x 8 = 2 pixels
    found = as_array(BestClasses((32, 32), 3)([proposals, logits, deltas]))[0]
    np.testing.assert_allclose(found[0], [6, 4, 14, 12, np.exp(5) / (np.exp(5) + 2), 0], rtol=1e-5)
    np.testing.assert_array_equal(found[1:, 4], 0)  # the second is the first again


def test_found_boxes_overlap_by_half_at_most_and_have_an_area_and_a_score_of_a_twentieth():
    proposals = np.array([[[0, 0, 8, 8], [0, 2, 8, 10], [0, 3, 8, 11], [20, 4, 32, 12], [16, 16, 24, 24]]], "float32")
    logits = np.array([[[5, 0, 0], [4.5, 0, 0], [4, 0, 0], [4, 0, 0], [0, 0, 3]]], "float32")
    deltas = np.zeros((1, 5, 4), "float32")
    deltas[0, 3, 0] = 10  # by 12 pixels, out of the picture
    found = as_array(BestClasses((32, 32), 5)([proposals, logits, deltas]))[0]
    # IoU of the first with the second: 6 / 10, with the third: 5 / 11. The last has 1 / (2 + e^3).
    np.testing.assert_array_equal(found[:2, :4], proposals[0, [0, 2]])
    np.testing.assert_array_equal(found[2:, 4], 0)


def test_proposals_overlap_by_seven_tenths_at_most(ours):
    anchors = ours.first.anchors
    inside = np.flatnonzero((anchors >= 0).all(axis=-1) & (anchors <= 32).all(axis=-1))
    overlaps = as_array(iou_matrix(anchors[inside], anchors[inside]))
    first = int(
        np.argmax(((overlaps > 0.5) & (overlaps < 0.7)).any(axis=-1) & ((overlaps > 0.7) & (overlaps < 0.99)).any(axis=-1))
    )
    near = int(np.argmax((overlaps[first] > 0.7) & (overlaps[first] < 0.99)))
    far = int(np.argmax((overlaps[first] > 0.5) & (overlaps[first] < 0.7)))
    outputs = np.full((1, len(anchors), 5), -9, "float32")
    outputs[..., 1:] = 0
    for score, index in ((3, first), (2.5, near), (2, far)):
        outputs[0, inside[index], 0] = score
    found = as_array(Proposals(ours.first.settings, 2)(outputs))[0]
    np.testing.assert_allclose(found, anchors[inside[[first, far]]], atol=1e-4)


def test_boxes_are_not_rounded_where_all_layers_compute_in_bfloat16():
    maps, boxes = uniform(0, 1, 160, 160, 2), np.array([[[301.4, 300.6, 333.3, 340.2]]], "float32")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = LookInto(3, (4,))
    finally:
        keras.config.set_dtype_policy("float32")
    again = LookInto.from_config(layer.get_config())
    expected = as_array(LookInto(3, (4,))([boxes, maps]))
    for each in (layer, again):
        np.testing.assert_allclose(as_array(each([boxes, maps])), expected, atol=1e-3)


@pytest.mark.slow
def test_gradients_are_finite_and_reach_all_weights():
    """At random objects are seldom found: here all proposals and found boxes are objects."""
    ours, images = detector(), uniform(0, 2, 32, 32, 3)
    weights = ours.network.trainable_variables

    def gradients(y):
        def loss(x):
            return ours.loss(y, ours.network(x, training=True)), ()

        (value, _), found = engine.value_and_grad(loss, weights)(images)
        assert np.isfinite(as_array(value))
        return {weight.path: as_array(gradient) for weight, gradient in zip(weights, found)}

    boxes = as_array(ours.parts(ours.network(images, training=True)).found)[..., :4]
    labels = np.where((boxes[..., 2:] > boxes[..., :2]).all(axis=-1), 1, -1)
    y = masks_in_boxes(boxes, labels, np.ones((2, 32, 32), "uint8"), 28)
    for path, gradient in gradients(y).items():
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, path
    nothing = masks_in_boxes(boxes, 0 * labels - 1, INSTANCES.repeat(2, 0), 28)
    empty = masks_in_boxes(boxes * 0 + 5, labels * 0, INSTANCES.repeat(2, 0), 28)
    beyond = masks_in_boxes(boxes * 9 - 50, labels * 0, INSTANCES.repeat(2, 0), 28)
    for edge in (nothing, empty, beyond):
        assert all(np.isfinite(gradient).all() for gradient in gradients(edge).values())


@pytest.mark.slow
def test_seeds_and_files(ours):
    x = uniform(0, 1, 32, 32, 3)
    outputs = as_array(ours.network(x))
    np.testing.assert_array_equal(outputs, as_array(detector().network(x)))
    assert np.abs(outputs - as_array(detector(seed=2).network(x))).max() > 1e-3
    np.testing.assert_allclose(as_array(save_and_load(ours.network)(x)), outputs, atol=1e-4)
    found = save_and_load(ours.predictor(["cat", "dog"]))(x)
    for name, part in zip(("boxes", "scores", "labels", "masks"), ours.decode(outputs)):
        np.testing.assert_allclose(as_array(found[name]), as_array(part), atol=1e-4)
    assert ops.shape(found["masks"]) == (1, FOUND, 28, 28)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"proposals": 0}, "proposals: expected an integer >= 1, received 0"),
        ({"proposals": 300}, "proposals: expected at most 256, received 300"),
        ({"most": 13}, "most: expected at most 12, received 13"),
        ({"units": 0}, "units: expected an integer >= 1, received 0"),
        ({"depth": -1}, "depth: expected an integer >= 0, received -1"),
        ({"strides": (2, 8)}, "strides: expected some of 1, 2, 4"),
    ],
)
def test_bad_input_is_named(options, words):
    with raises(words):
        detector(**options)


def test_labels_beyond_the_classes_are_refused(ours):
    with raises("labels: expected at most 1, of 2 classes, received 2"):
        ours.with_masks(BOXES, LABELS + 1, INSTANCES)
    assert ours.with_masks(BOXES[:0], LABELS[:0], INSTANCES[:0]).shape == (0, 3, 5 + 28**2)


def test_targets_need_outputs(ours):
    with raises("outputs: expected those of the network, received None"):
        ours.assign(np.zeros((1, 1, 5), "float32"))


@pytest.mark.long
def test_ten_pictures_are_learnt_by_heart():
    keras.utils.clear_session()
    some = scenes(10, size=64, sizes=(0.25, 0.5), objects=(1, 4), seed=3, cache=False)
    backbone = resnet((64, 64, 3), 10, depth=18, width=0.25, stem="large", seed=0)
    ours = MaskRCNN(backbone, 10, channels=32, proposals=16, most=8, seed=1)
    y = ours.with_masks(some.boxes, some.labels, some.instances)
    recipe = Recipe(epochs=120, batch_size=10, learning_rate=3e-3, clip_norm=1.0, warm_up=0.0)
    training = Training(ours.network, recipe, steps_per_epoch=4, loss=ours.loss, metrics=[], seed=0)
    training.fit(np.repeat(some.images, 4, axis=0), np.repeat(y, 4, axis=0))
    parts = [as_array(part) for part in ours.decode(training.predict(some.images))]
    found = [
        Detections(boxes, scores, labels, paste_masks(masks, boxes, 64, 64)) for boxes, scores, labels, masks in zip(*parts)
    ]
    truths = [some.objects(index) for index in range(10)]
    assert average_precision(truths, found).summary["AP50"] == 1
    assert average_precision(truths, found, of_masks=True).summary["AP50"] > 0.95
