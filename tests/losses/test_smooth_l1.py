"""The smooth L1 loss."""

import keras
import numpy as np
import pytest

from lab.losses import SmoothL1, huber_error, smooth_l1
from tests.contracts import as_array, check_loss, raises, uniform
from tests.properties import value_and_gradient

X = np.float32([0.0, 0.1, -0.5, 1.0, -3.0, 1e4, -1e4])


@pytest.mark.parametrize("beta", [0.1, 1.0, 2.5])
def test_values_and_slopes(beta):
    weights = np.cos(np.arange(len(X)))
    value, gradient = value_and_gradient(lambda x: smooth_l1(0 * X, x, beta=beta), X)
    size = np.abs(X.astype(float))
    np.testing.assert_allclose(value, np.where(size < beta, size**2 / (2 * beta), size - beta / 2), rtol=1e-6)
    np.testing.assert_allclose(gradient, weights * np.clip(X / beta, -1, 1), atol=1e-6)


def test_by_hand_and_as_huber():
    np.testing.assert_allclose(as_array(smooth_l1([1.0, 2.0], np.float32([1.5, 5.0]))), [0.125, 2.5])
    np.testing.assert_allclose(as_array(smooth_l1([0.0], np.float32([0.5]), beta=0.25)), [0.375])
    np.testing.assert_allclose(as_array(smooth_l1(0 * X, X)), as_array(huber_error(keras.ops.convert_to_tensor(X))))


@pytest.mark.slow
def test_contract():
    check_loss(lambda **o: SmoothL1(0.5, **o), uniform(1, 8, 4), uniform(0, 8, 4))


def test_weights_leave_boxes_out():
    y, x, there = uniform(0, 2, 3, 4), uniform(1, 2, 3, 4), np.float32([[1, 0, 1], [0, 0, 1]])
    each = as_array(smooth_l1(y, x, beta=0.5)).mean(-1)
    found = as_array(SmoothL1(0.5, reduction="mean_with_sample_weight")(y, x, there))
    np.testing.assert_allclose(found, (each * there).sum() / 3, rtol=1e-6)


def test_bad_arguments():
    for call in (lambda: SmoothL1(0.0), lambda: smooth_l1(X, X, beta=0.0)):
        with raises("beta: expected a number > 0, received 0.0"):
            call()
    with raises(r"y_true: expected y_pred's shape \(7,\), received \(6,\)"):
        smooth_l1(X[1:], X)
