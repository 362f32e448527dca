"""Dice and Tversky: hand values, a loop in float64, differences, and what is absent."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from lab.losses import Dice, Tversky, dice, tversky
from tests.contracts import as_array, raises, round_trip, uniform
from tests.properties import value_and_gradient

LABELS = np.array([[[0, 2, 255], [1, 1, 0]], [[255, 255, 2], [0, 0, 255]]])  # the second has no class 1
LOGITS = 3 * uniform(0, 2, 2, 3, 3)


def slow(labels, logits, alpha, beta, smooth):
    """The loss of each picture and class, with sums over a list of pixels."""
    losses = np.zeros((len(labels), logits.shape[-1]))
    for picture, label in np.ndindex(losses.shape):
        pairs = [
            (softmax(logits[(picture, *place)].astype(float))[label], labels[(picture, *place)] == label)
            for place in np.ndindex(labels.shape[1:])
            if labels[(picture, *place)] != 255
        ]
        hits = sum(p for p, there in pairs if there)
        wrong, missed = sum(p for p, there in pairs if not there), sum(1 - p for p, there in pairs if there)
        s = 0 if any(there for _, there in pairs) else smooth
        losses[picture, label] = 1 - (hits + s) / (hits + alpha * wrong + beta * missed + s)
    return losses


@pytest.mark.parametrize("options", [(0.3, 0.7, 1.0), (0.5, 0.5, 0.1), (2.0, 0.1, 5.0)])
def test_it_is_the_slow_loop(options):
    alpha, beta, smooth = options
    found = tversky(LABELS, LOGITS, alpha=alpha, beta=beta, smooth=smooth, ignored=255)
    np.testing.assert_allclose(as_array(found), slow(LABELS, LOGITS, *options), rtol=2e-6)


def test_over_a_batch_it_is_that_of_one_large_picture():
    joined = LABELS.reshape(1, 4, 3), LOGITS.reshape(1, 4, 3, 3)
    for loss in (dice, tversky):
        found = as_array(loss(LABELS, LOGITS, ignored=255, over_batch=True))
        assert found.shape == (3,)
        np.testing.assert_allclose(found, as_array(loss(*joined, ignored=255))[0], rtol=1e-6)
    # Class 1 is absent from the second picture, where alone it would cost whatever is predicted.
    alone = as_array(dice(LABELS, LOGITS, ignored=255))[:, 1]
    assert abs(as_array(dice(LABELS, LOGITS, ignored=255, over_batch=True))[1] - alone.mean()) > 0.01


def test_by_hand():
    labels, even = np.array([[0, 0, 0, 1]]), np.zeros((1, 4, 2), "float32")
    # p = 1/2: class 0 has TP 1.5, FP 0.5, FN 1.5; class 1 has TP 0.5, FP 1.5, FN 0.5.
    np.testing.assert_allclose(as_array(dice(labels, even)), [[1 - 3 / 5, 1 - 1 / 3]], rtol=1e-6)
    np.testing.assert_allclose(as_array(tversky(labels, even, alpha=1, beta=2)), [[3.5 / 5, 2.5 / 3]], rtol=1e-6)
    np.testing.assert_allclose(as_array(Dice()(labels, even)), (2 / 5 + 2 / 3) / 2, rtol=1e-6)
    np.testing.assert_allclose(as_array(Tversky(1, 2)(labels, even)), (3.5 / 5 + 2.5 / 3) / 2, rtol=1e-6)
    absent = as_array(dice(labels * 0, even, smooth=2.0))  # two pixels of class 1 where none is: 1 / (1 + 2)
    np.testing.assert_allclose(absent, [[1 - 4 / 6, 1 / 3]], rtol=1e-6)


def test_dice_is_tversky_with_halves_and_one_minus_the_dice_coefficient():
    halves = tversky(LABELS, LOGITS, alpha=0.5, beta=0.5, ignored=255)
    np.testing.assert_array_equal(as_array(dice(LABELS, LOGITS, ignored=255)), as_array(halves))
    labels = np.array([[0, 1, 1, 2, 0, 2]])
    p, g = softmax(LOGITS.reshape(1, -1, 3)[:, :6].astype(float), -1), np.eye(3)[labels]
    expected = 1 - 2 * (p * g).sum(1) / (p + g).sum(1)
    np.testing.assert_allclose(as_array(dice(labels, LOGITS.reshape(1, -1, 3)[:, :6])), expected, rtol=2e-6)
    np.testing.assert_allclose(as_array(dice(g.astype("float32"), LOGITS.reshape(1, -1, 3)[:, :6])), expected, rtol=2e-6)


def test_perfect_and_hopeless_predictions():
    labels = np.array([[[0, 0], [1, 1]]])
    sure = np.float32(2e4) * np.eye(3, dtype="float32")[labels] - 1e4
    value, gradient = value_and_gradient(lambda z: dice(labels, z), sure)
    assert value.tolist() == [[0, 0, 0]] and not gradient.any()  # the third class is absent, and not predicted
    value, gradient = value_and_gradient(lambda z: dice(labels, z), -sure)
    assert np.isfinite(gradient).all() and value[0, 2] == 0.5  # p = 1/2 of four pixels: 1 / (1 + 1)
    wrong = np.float32(2e4) * np.eye(3, dtype="float32")[1 - labels] - 1e4
    np.testing.assert_array_equal(as_array(dice(labels, wrong)), [[1, 1, 0]])


def test_nothing_that_counts_costs_nothing():
    nothing = np.full_like(LABELS, 255)
    value, gradient = value_and_gradient(lambda z: dice(nothing, z, ignored=255), LOGITS)
    assert not value.any() and not gradient.any()
    assert np.isnan(as_array(dice(nothing, LOGITS))).all()  # 255 is no class


def test_gradients_are_differences():
    weights = np.cos(np.arange(6)).reshape(2, 3)
    _, gradient = value_and_gradient(lambda z: tversky(LABELS, z, ignored=255), LOGITS)
    for place in np.ndindex(LOGITS.shape):
        step = np.zeros(LOGITS.shape)
        step[place] = 1e-4
        up, down = (slow(LABELS, LOGITS + each, 0.3, 0.7, 1.0) * weights for each in (step, -step))
        assert gradient[place] == pytest.approx((up - down).sum() / 2e-4, abs=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("make", [Dice, Tversky])
def test_contract(make, dtype):
    loss = make(ignored=255, smooth=0.5)
    samples = as_array(make(ignored=255, smooth=0.5, reduction=None)(LABELS, LOGITS))
    assert samples.shape == (2,)
    np.testing.assert_allclose(as_array(loss(LABELS, LOGITS)), samples.mean(), rtol=1e-6)
    for weights in (np.float32([2, 0.5]), np.float32([[2], [0.5]])):
        np.testing.assert_allclose(as_array(loss(LABELS, LOGITS, weights)), (samples * [2, 0.5]).mean(), rtol=1e-6)
    again = round_trip(loss, keras.losses)
    np.testing.assert_array_equal(as_array(again(LABELS, LOGITS)), as_array(loss(LABELS, LOGITS)))
    low = make(ignored=255, smooth=0.5, dtype=dtype)(LABELS, keras.ops.cast(LOGITS, dtype))
    np.testing.assert_allclose(as_array(keras.ops.cast(low, "float32")), samples.mean(), rtol=0.02)
    large = dice(np.zeros((1, 300, 300), int), keras.ops.zeros((1, 300, 300, 2), dtype))  # sums of 45000
    np.testing.assert_allclose(as_array(keras.ops.cast(large, "float32")), [[1 / 3, 1]], rtol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [Dice(ignored=255), Tversky(0.5, 0.9, ignored=255)])
def test_they_train(loss):
    model = keras.Sequential([keras.Input((2, 3, 2)), keras.layers.Conv2D(3, 1)])
    model.compile(keras.optimizers.Adam(0.1), loss)
    history = model.fit(uniform(4, 2, 2, 3, 2), LABELS, epochs=5, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("name", ["alpha", "beta", "smooth"])
def test_bad_arguments(name):
    with raises(f"{name}: expected a number > 0, received 0"):
        Tversky(**{name: 0})
    with raises(f"{name}: expected a number > 0, received 0"):
        tversky(LABELS, LOGITS, **{name: 0})
