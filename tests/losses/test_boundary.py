"""The boundary loss and its distance maps."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from lab.losses import Boundary, boundary, distance_maps, signed_distance
from tests.contracts import as_array, raises, round_trip, uniform
from tests.properties import value_and_gradient

LABELS = np.zeros((2, 5, 6), int)
LABELS[0, 1:4, 2:5], LABELS[1, :, :3] = 1, 2
LOGITS = 2 * uniform(0, 2, 5, 6, 3)


def slow_distance(mask):
    """To the nearest pixel of the other kind, less the half pixel from the boundary to it."""
    distances = np.zeros(mask.shape)
    for place in np.ndindex(mask.shape):
        others = np.argwhere(mask != mask[place])
        if len(others):
            distances[place] = (np.linalg.norm(others - place, axis=1).min() - 0.5) * (-1 if mask[place] else 1)
    return distances


def test_distances():
    np.testing.assert_allclose(signed_distance([[0, 0, 1, 1, 1]]), [[1.5, 0.5, -0.5, -1.5, -2.5]])
    masks = np.random.default_rng(0).random((2, 3, 7, 8)) < 0.3
    masks[0, 0], masks[1, 1] = False, True
    found = signed_distance(masks)
    assert found.dtype == np.float32 and not found[0, 0].any() and not found[1, 1].any()
    for place in np.ndindex(2, 3):
        np.testing.assert_allclose(found[place], slow_distance(masks[place]), rtol=1e-6)


def test_maps_of_classes():
    maps = distance_maps(LABELS, 3)
    assert maps.shape == (2, 5, 6, 3) and not maps[0, ..., 2].any() and not maps[1, ..., 1].any()
    np.testing.assert_allclose(maps[0, ..., 1], slow_distance(LABELS[0] == 1), rtol=1e-6)
    np.testing.assert_allclose(maps[1, ..., 2], -maps[1, ..., 0])
    some = np.where(np.arange(6) == 3, 9, LABELS)
    maps = distance_maps(some, 3, ignored=9)
    assert not maps[..., 3, :].any() and maps[..., 2, :].any()
    assert maps[1, 0, 5, 2] == 2.5 and maps[1, 0, 5, 0] == -1.5  # the ignored column is outside both classes


def test_it_is_the_mean_over_pixels_and_classes():
    maps = distance_maps(LABELS, 3)
    p = softmax(LOGITS.astype(float), -1)
    value, gradient = value_and_gradient(lambda z: boundary(maps, z), LOGITS)
    np.testing.assert_allclose(value, (p * maps).mean((1, 2, 3)), rtol=1e-5)
    weights = np.cos(np.arange(2))[:, None, None, None]
    mean = (p * maps).sum(-1, keepdims=True)  # the gradient of softmax: p_k (phi_k - sum_j p_j phi_j)
    np.testing.assert_allclose(gradient, weights * p * (maps - mean) / 90, atol=1e-6)


def test_by_hand():
    maps = distance_maps([[[0, 0, 1]]], 2)  # -1.5, -0.5, 0.5 and their opposites
    np.testing.assert_allclose(as_array(boundary(maps, np.zeros((1, 1, 3, 2), "float32"))), [0], atol=1e-7)
    sure = np.float32([[[[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4]]]])
    np.testing.assert_allclose(as_array(boundary(maps, sure)), [-2.5 / 6])
    np.testing.assert_allclose(as_array(boundary(maps, -sure)), [2.5 / 6])


def test_ignored_pixels_and_pictures_without_a_boundary():
    some = np.where(np.arange(6) < 2, 255, LABELS)
    maps = distance_maps(some, 3, ignored=255)
    value, gradient = value_and_gradient(lambda z: boundary(maps, z), LOGITS)
    p = softmax(LOGITS.astype(float), -1)
    np.testing.assert_allclose(value, (p * maps)[:, :, 2:].mean((1, 2, 3)), rtol=1e-5)
    assert not gradient[:, :, :2].any()
    for labels in (np.full((1, 4, 4), 255), np.zeros((1, 4, 4), int)):
        flat = distance_maps(labels, 3, ignored=255)
        value, gradient = value_and_gradient(lambda z, flat=flat: boundary(flat, z), uniform(1, 1, 4, 4, 3))
        assert value == 0 and not gradient.any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_contract(dtype):
    maps, loss = distance_maps(LABELS, 3), Boundary()
    samples = as_array(Boundary(reduction=None)(maps, LOGITS))
    assert samples.shape == (2,)
    np.testing.assert_allclose(as_array(loss(maps, LOGITS, np.float32([3, 1]))), (samples * [3, 1]).mean(), rtol=1e-6)
    np.testing.assert_array_equal(as_array(round_trip(loss, keras.losses)(maps, LOGITS)), as_array(loss(maps, LOGITS)))
    low = Boundary(dtype=dtype)(maps, keras.ops.cast(LOGITS, dtype))
    np.testing.assert_allclose(as_array(keras.ops.cast(low, "float32")), samples.mean(), atol=0.01)


@pytest.mark.slow
def test_it_trains():
    model = keras.Sequential([keras.Input((5, 6, 2)), keras.layers.Conv2D(3, 1)])
    model.compile(keras.optimizers.Adam(0.1), Boundary())
    history = model.fit(uniform(4, 2, 5, 6, 2), distance_maps(LABELS, 3), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_bad_arguments():
    with raises(r"masks: expected \[..., H, W\], received shape \(3,\)"):
        signed_distance(np.ones(3))
    with raises("labels: expected integers from 0 to 1, received 2"):
        distance_maps(LABELS, 2)
    with raises("labels: expected integers from 0 to 2, received 255"):
        distance_maps(LABELS * 0 + 255, 3)
    with raises(r"y_true: expected y_pred's shape \(2, 5, 6, 3\), received \(2, 5, 6\)"):
        boundary(LABELS, LOGITS)
    with raises(r"sample_weight: expected one for each picture \[B\], received shape \(2, 5, 6\)"):
        Boundary()(distance_maps(LABELS, 3), LOGITS, np.ones((2, 5, 6)))
