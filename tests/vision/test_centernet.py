"""CenterNet's targets by hand, its answers read back, and ten pictures learnt by heart."""

import itertools

import keras
import numpy as np
import pytest

from lab import engine
from lab.losses import penalty_reduced_focal, sigmoid_focal
from lab.models import resnet, small_resnet
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
        with raises("shape"):
            loss(y[None], z[:, None])


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
def test_gradients_of_focal_losses_are_finite_for_every_exponent(exponent):
    y, z = np.array([1, 0, 1, 0, 0.5, 1], "float32"), np.array([30, -120, -30, 200, 1e3, 0.5], "float32")
    variable = keras.Variable(z)
    for loss, options in (
        (sigmoid_focal, {"gamma": exponent}),
        (penalty_reduced_focal, {"alpha": exponent, "beta": exponent}),
    ):

        def total(loss=loss, options=options):
            return keras.ops.sum(loss(y, variable.value, **options)), ()

        _, (gradient,) = engine.value_and_grad(total, [variable])()
        assert np.isfinite(as_array(gradient)).all() and as_array(gradient)[5] < 0


def test_exponents_and_weights_of_focal_losses_have_ranges():
    z = np.zeros(1, "float32")
    for loss, options, name in (
        (sigmoid_focal, {"alpha": 7}, "alpha"),
        (sigmoid_focal, {"gamma": -1}, "gamma"),
        (penalty_reduced_focal, {"alpha": -1}, "alpha"),
        (penalty_reduced_focal, {"beta": -1}, "beta"),
    ):
        with raises(f"{name}: expected a number"):
            loss(z, z, **options)


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


def test_where_objects_of_a_class_meet_the_heat_is_the_greater_one(ours):
    near = np.array([[[4, 4, 20, 12, 1], [5, 5, 21, 13, 1]]], "float32")
    both, first, second = (as_array(ours.assign(part).heat) for part in (near, near[:, :1], near[:, 1:]))
    np.testing.assert_array_equal(both, np.maximum(first, second))
    assert np.minimum(first, second).max() > 0.05


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


def test_pyramids_of_other_networks():
    backbone = resnet((64, 96, 3), 2, depth=18, width=0.1, stem="large", seed=0)
    maps = maps_at(backbone, (4, 8, 16, 32))
    assert [each.shape[1:3] for each in maps] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    found = feature_pyramid(maps[1:], 5, seed=0)
    assert [tuple(each.shape[1:]) for each in found] == [(8, 12, 5), (4, 6, 5), (2, 3, 5)]
    with raises("strides: expected some of 1, 2, 4, 8, 16, 32, those of resnet18, received 64"):
        maps_at(backbone, (4, 64))


def test_it_begins_with_a_probability_of_a_tenth(ours):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    assert np.abs(as_array(ours.network(x))[..., :2] + 2.19).max() < 0.5
