"""The cross-entropy of pixels, of which some are ignored."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from lab.losses import Dice, PixelCrossentropy, categorical_crossentropy, pixel_crossentropy
from lab.losses.pixels import as_pixels
from tests.contracts import as_array, check_loss, raises, round_trip, save_and_load, uniform
from tests.properties import value_and_gradient

LABELS = np.array([[[0, 2, 255], [1, 1, 0]], [[255, 255, 2], [0, 255, 255]]])
COUNTS = LABELS != 255
LOGITS = 3 * uniform(0, 2, 2, 3, 3)


def slow(labels, logits, gamma=0.0, weights=(1, 1, 1)):
    """The mean, and its gradient for gamma = 0, pixel by pixel in float64."""
    losses, slope = [], np.zeros(logits.shape)
    logs = log_softmax(logits.astype(float), axis=-1)
    for place in zip(*np.nonzero(labels != 255)):
        label = labels[place]
        losses.append(-weights[label] * (1 - np.exp(logs[place][label])) ** gamma * logs[place][label])
        slope[place] = np.exp(logs[place]) - np.eye(3)[label]
    return np.mean(losses), slope / len(losses)


def test_only_pixels_that_count():
    mean, slope = slow(LABELS, LOGITS)
    value, gradient = value_and_gradient(lambda z: pixel_crossentropy(LABELS, z, ignored=255), LOGITS)
    np.testing.assert_allclose(value, mean, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=1e-7)
    assert not gradient[~COUNTS].any()
    np.testing.assert_allclose(as_array(pixel_crossentropy(LABELS[..., None], LOGITS, ignored=255)), mean, rtol=1e-6)
    weighted = pixel_crossentropy(LABELS, LOGITS, ignored=255, gamma=2.0, class_weights=(1, 2, 3))
    np.testing.assert_allclose(as_array(weighted), slow(LABELS, LOGITS, 2, (1, 2, 3))[0], rtol=1e-5)


def test_by_hand():
    even = np.zeros((1, 2, 2, 4), "float32")
    np.testing.assert_allclose(as_array(pixel_crossentropy([[[0, 3], [9, 9]]], even, ignored=9)), np.log(4), rtol=1e-6)
    sure = np.float32([[[1e4, 0], [-1e4, 0], [0, 1e4]]])
    np.testing.assert_allclose(as_array(pixel_crossentropy([[0, 0, 7]], sure, ignored=7)), 5e3)
    background = pixel_crossentropy([[0, 1, 1]], sure, ignored=0)  # a class may be ignored
    np.testing.assert_allclose(as_array(background), 0, atol=1e-6)


def test_without_ignored_labels_it_is_the_usual_mean():
    labels = np.where(COUNTS, LABELS, 1)
    expected = as_array(categorical_crossentropy(labels, LOGITS)).mean()
    shares = np.eye(3, dtype="float32")[labels]
    for targets in (labels, shares):
        np.testing.assert_allclose(as_array(pixel_crossentropy(targets, LOGITS)), expected, rtol=1e-6)


def test_nothing_that_counts_costs_nothing():
    nothing = np.full_like(LABELS, 255)
    for z in (LOGITS, 1e4 * np.sign(LOGITS)):
        value, gradient = value_and_gradient(lambda z: pixel_crossentropy(nothing, z, ignored=255, gamma=0.5), z)
        assert value == 0 and not gradient.any()
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        assert as_array(PixelCrossentropy(ignored=255, reduction=reduction)(nothing, LOGITS)) == 0


def test_a_label_that_is_no_class_is_seen():
    assert np.isnan(as_array(pixel_crossentropy(LABELS, LOGITS)))
    assert np.isnan(as_array(PixelCrossentropy()(LABELS, LOGITS)))
    assert np.isnan(as_array(pixel_crossentropy(LABELS * 0 - 1, LOGITS, ignored=255)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_over_many_pixels_do_not_overflow(dtype):
    labels, logits = np.zeros((2, 200, 200), int), keras.ops.zeros((2, 200, 200, 3), dtype)
    value = pixel_crossentropy(labels, logits, ignored=255)
    assert keras.backend.standardize_dtype(value.dtype) == dtype
    np.testing.assert_allclose(as_array(keras.ops.cast(value, "float32")), np.log(3), rtol=4e-3)


def test_the_class_is_the_function():
    check_loss(PixelCrossentropy, np.where(COUNTS, LABELS, 1), LOGITS)
    check_loss(lambda **o: PixelCrossentropy(gamma=2.0, class_weights=(1, 2, 3), **o), np.array([0, 2, 1]), uniform(1, 3, 3))
    loss = PixelCrossentropy(ignored=255)
    each = -np.take_along_axis(log_softmax(LOGITS, -1), np.where(COUNTS, LABELS, 0)[..., None], -1)[..., 0] * COUNTS
    np.testing.assert_allclose(as_array(loss(LABELS, LOGITS)), each.sum() / COUNTS.sum(), rtol=1e-6)
    reduced = {None: each, "sum": each.sum(), "mean_with_sample_weight": each.sum() / COUNTS.sum()}
    for reduction, expected in reduced.items():
        found = as_array(PixelCrossentropy(ignored=255, reduction=reduction)(LABELS, LOGITS))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_weights_of_pictures_and_of_pixels():
    loss, plain = PixelCrossentropy(ignored=255), PixelCrossentropy(ignored=255, reduction=None)
    each = as_array(plain(LABELS, LOGITS))
    pictures, pixels = np.float32([2, 0.5]), uniform(3, 2, 2, 3) + 1
    for weights, full in ((pictures, pictures[:, None, None]), (pixels, pixels), (pixels[..., None], pixels)):
        found = as_array(loss(LABELS, LOGITS, weights))
        np.testing.assert_allclose(found, (each * full).sum() / COUNTS.sum(), rtol=1e-5)
    for labels in (LABELS, LABELS[..., None]):
        np.testing.assert_allclose(as_array(loss(labels, LOGITS, pixels)), (each * pixels).sum() / COUNTS.sum(), rtol=1e-5)


@pytest.mark.slow
def test_it_trains_and_is_saved():
    model = keras.Sequential([keras.Input((2, 3, 2)), keras.layers.Conv2D(3, 1)])
    model.compile(keras.optimizers.Adam(0.1), PixelCrossentropy(ignored=255))
    x = uniform(4, 2, 2, 3, 2)
    history = model.fit(x, LABELS.astype("uint8"), epochs=5, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = save_and_load(model)
    assert again.loss.ignored == 255
    np.testing.assert_allclose(again.evaluate(x, LABELS, verbose=0), model.evaluate(x, LABELS, verbose=0), rtol=1e-6)


def test_bad_arguments():
    assert round_trip(PixelCrossentropy(ignored=0, gamma=1.0, class_weights=[1, 2]), keras.losses).class_weights == (1, 2)
    shares = np.eye(3, dtype="float32")[np.zeros((2, 2, 3), int)]
    with raises("ignored: expected None with shares of the classes, received 255"):
        as_pixels(shares, LOGITS, 255)
    for wrong in (LABELS[:1], LABELS[:, :1], LABELS[0], shares[..., :2]):
        with raises(r"y_true: expected labels \[...\] or shares \[..., C\] of logits \(2, 2, 3, 3\), received"):
            pixel_crossentropy(wrong, LOGITS)
    with raises("gamma: expected a number >= 0, received -1"):
        PixelCrossentropy(gamma=-1)
    with raises("class_weights: expected 3 numbers"):
        pixel_crossentropy(LABELS, LOGITS, class_weights=(1, 2))
    with raises(r"sample_weight: expected one for each picture \[B\], received shape \(2, 2, 3\)"):
        Dice(ignored=255)(LABELS, LOGITS, COUNTS)
