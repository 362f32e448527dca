"""CenterNet's targets by hand, its answers read back, and ten pictures learnt by heart."""

import itertools

import keras
import numpy as np
import pytest

from lab import engine
from lab.data import scenes
from lab.losses import penalty_reduced_focal, sigmoid_focal
from lab.metrics import Detections, average_precision
from lab.models import resnet, small_resnet
from lab.supervised import Recipe, Training
from lab.vision import CenterNet, feature_pyramid, iou, maps_at
from lab.vision.centernet import radius
from tests.contracts import as_array, raises

OBJECTS = np.array([[[4, 4, 20, 12, 1], [30, 16, 31, 30, 0], [-1, -1, -1, -1, -1]]], "float32")  # 32 x 32 pixels


def detector(classes=2, seed=0):
    return CenterNet(
        small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=seed), classes, strides=(1, 2, 4), channels=8, seed=1
    )


@pytest.fixture(scope="module")
def ours():
    return detector()


def test_focal_losses_by_hand():
    y, z = np.array([1, 0, 0.5], "float32"), np.log(np.array([0.2 / 0.8, 0.2 / 0.8, 0.5 / 0.5], "float32"))
    expected = [-0.25 * 0.8**2 * np.log(0.2), -0.75 * 0.2**2 * np.log(0.8)]
    np.testing.assert_allclose(as_array(sigmoid_focal(y[:2], z[:2])), expected, rtol=1e-5)
    expected = [-(0.8**2) * np.log(0.2), -(0.2**2) * np.log(0.8), -(0.5**4) * 0.5**2 * np.log(0.5)]
    np.testing.assert_allclose(as_array(penalty_reduced_focal(y, z)), expected, rtol=1e-5)
    huge = np.array([1e4, -1e4, 1e4], "float32")
    for loss in (sigmoid_focal, penalty_reduced_focal):
        assert np.isfinite(as_array(loss(y, huge))).all()


@pytest.mark.parametrize("sizes", [(10.0, 10.0), (3.0, 40.0), (0.5, 0.25)])
def test_corners_that_move_by_the_radius_keep_the_overlap(sizes):
    r = float(as_array(radius(np.array(sizes, "float32"))))
    box = np.array([0, 0, *sizes])
    moves = itertools.product([-r, 0, r], repeat=4)
    overlaps = [float(as_array(iou(box.astype("float32"), (box + move).astype("float32")))) for move in moves]
    assert min(overlaps) == pytest.approx(0.7, abs=1e-3)
    assert as_array(radius(np.zeros(2, "float32"))) == 0


def test_targets_by_hand(ours):
    targets = ours.assign(OBJECTS)
    heat = as_array(targets.heat)[0]
    assert heat.shape == (32, 32, 2)
    assert heat[8, 12, 1] == 1 and heat[23, 30, 0] == 1 and (heat == 1).sum() == 2
    sigma = (2 * float(as_array(radius(np.array([16, 8], "float32")))) + 1) / 6
    assert heat[9, 14, 1] == pytest.approx(np.exp(-(1 + 4) / (2 * sigma**2)), rel=1e-4)
    assert as_array(targets.cells).tolist()[0][:2] == [8 * 32 + 12, 23 * 32 + 30]
    np.testing.assert_allclose(as_array(targets.offsets)[0, :2], [[0, 0], [0.5, 0]], atol=1e-6)
    np.testing.assert_allclose(as_array(targets.sizes)[0, :2], [[16, 8], [1, 14]])
    assert as_array(targets.there).tolist() == [[1, 1, 0]]


def perfect(ours, objects):
    """Outputs that say exactly what the targets are."""
    targets = ours.assign(objects)
    outputs = np.zeros((len(objects), *ours.shape, ours.classes + 4), "float32")
    outputs[..., : ours.classes] = np.where(as_array(targets.heat) == 1, 20.0, -20.0)
    for picture, (cells, there) in enumerate(zip(as_array(targets.cells), as_array(targets.there))):
        for index in np.flatnonzero(there):
            y, x = divmod(int(cells[index]), ours.shape[1])
            said = [*as_array(targets.offsets)[picture, index], *as_array(targets.sizes)[picture, index]]
            outputs[picture, y, x, ours.classes :] = said
    return outputs


def test_what_is_said_exactly_is_read_back(ours):
    outputs = perfect(ours, OBJECTS)
    assert as_array(ours.loss(OBJECTS, outputs)) < 1e-5
    boxes, scores, labels = (as_array(part)[0] for part in ours.decode(outputs))
    order = np.argsort(labels[:2])
    np.testing.assert_allclose(boxes[:2][order], OBJECTS[0, [1, 0], :4], atol=1e-5)
    assert (scores[:2] > 0.99).all() and (scores[2:] < 1e-6).all() and labels[:2].tolist() in ([0, 1], [1, 0])
    wrong = outputs.copy()
    wrong[0, 8, 12, 2:] += [0.5, 0, 3, 0]  # half a cell and three cells for one of two objects
    assert as_array(ours.loss(OBJECTS, wrong)) == pytest.approx((0.5 + 0.1 * 3) / 2, abs=1e-4)


NOTHING = np.full((1, 3, 5), -1, "float32")


@pytest.mark.parametrize(
    "objects",
    [NOTHING, [[[5, 5, 5, 5, 0]]], [[[-20, -20, 90, 90, 1]]], [[[31, 31, 32, 32, 0]]], [[[40, 40, 50, 50, 0]]]],
    ids=["none", "empty box", "beyond the picture", "last corner", "outside"],
)
def test_no_nan_at_the_edge(ours, objects):
    objects = np.array(objects, "float32")
    weights = ours.network.trainable_variables

    def loss(images):
        return ours.loss(objects, ours.network(images, training=True)), ()

    (value, _), gradients = engine.value_and_grad(loss, weights)(np.zeros((1, 32, 32, 3), "float32"))
    assert np.isfinite(as_array(value)) and all(np.isfinite(as_array(gradient)).all() for gradient in gradients)


def test_pyramids_of_other_networks():
    backbone = resnet((64, 96, 3), 2, depth=18, width=0.1, stem="large", seed=0)
    maps = maps_at(backbone, (4, 8, 16, 32))
    assert [each.shape[1:3] for each in maps] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    found = feature_pyramid(maps[1:], 5, seed=0)
    assert [tuple(each.shape[1:]) for each in found] == [(8, 12, 5), (4, 6, 5), (2, 3, 5)]
    with raises("strides: expected some of 1, 2, 4, 8, 16, 32, those of resnet18, received 64"):
        maps_at(backbone, (4, 64))


def test_seeds():
    ours, again, other = detector(), detector(), detector(seed=5)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(as_array(ours.network(x)), as_array(again.network(x)))
    assert np.abs(as_array(ours.network(x)) - as_array(other.network(x))).max() > 1e-6
    heat = as_array(ours.network(x))[..., :2]
    assert np.abs(heat + 2.19).max() < 0.5  # it begins with a probability of 0.1


@pytest.mark.long
def test_ten_pictures_are_learnt_by_heart():
    keras.utils.clear_session()
    some = scenes(10, size=64, sizes=(0.25, 0.5), objects=(1, 4), seed=3, cache=False)
    objects = np.concatenate([some.boxes, some.labels[..., None]], axis=-1)
    ours = CenterNet(resnet((64, 64, 3), 10, depth=18, width=0.25, stem="large", seed=0), 10, seed=1)
    recipe = Recipe(epochs=60, batch_size=10, learning_rate=3e-3, clip_norm=1.0, warm_up=0.0)
    training = Training(ours.network, recipe, steps_per_epoch=4, loss=ours.loss, metrics=[], seed=0)
    training.fit(np.repeat(some.images, 4, axis=0), np.repeat(objects, 4, axis=0))
    answers = ours.decode(training.predict(some.images))
    found = [Detections(*parts) for parts in zip(*(as_array(part) for part in answers))]
    result = average_precision([some.objects(index) for index in range(10)], found).summary
    assert result["AP50"] == 1 and result["AP"] > 0.8
