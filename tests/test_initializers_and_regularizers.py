"""Initial weights and penalties on weights."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import initializers, regularizers
from tests.contracts import as_array, raises, round_trip, uniform
from tests.properties import value_and_gradient


def test_keras_has_the_variances_of_the_table():
    for make, variance in (
        (initializers.GlorotUniform, 2 / 500),
        (initializers.GlorotNormal, 2 / 500),
        (initializers.HeUniform, 2 / 200),
        (initializers.HeNormal, 2 / 200),
        (initializers.LecunUniform, 1 / 200),
        (initializers.LecunNormal, 1 / 200),
    ):
        np.testing.assert_allclose(as_array(make(seed=0)((200, 300))).var(), variance, rtol=0.03)
    matrix = as_array(initializers.Orthogonal(2.0, seed=0)((20, 10)))
    np.testing.assert_allclose(matrix.T @ matrix, 4 * np.eye(10), atol=1e-5)


@pytest.mark.slow
def test_layer_sequential_unit_variance():
    def model():
        return keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.MaxPooling2D(),
                keras.layers.Conv2D(16, 3, activation="tanh"),
                keras.layers.Flatten(),
                keras.layers.Dense(50, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )

    x, network = 5 * uniform(0, 64, 12, 12, 3) + 2, model()
    reached = initializers.layer_sequential_unit_variance(network, x, seed=0, tolerance=0.01)
    assert len(reached) == 4
    assert all(abs(value - 1) <= 0.01 for value in reached.values())
    assert [keras.activations.serialize(layer.activation) for layer in network.layers if hasattr(layer, "kernel")] == [
        "relu",
        "tanh",
        "relu",
        "softmax",
    ]
    y = x
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            function, layer.activation = layer.activation, keras.activations.linear
            before = layer(y)
            layer.activation = function
            np.testing.assert_allclose(as_array(before).var(), 1, atol=0.02)
            weights = as_array(layer.kernel).reshape(-1, layer.kernel.shape[-1])
            gram = weights.T @ weights if weights.shape[0] >= weights.shape[1] else weights @ weights.T
            np.testing.assert_allclose(gram / gram[0, 0], np.eye(len(gram)), atol=1e-4)
        y = layer(y)
    other = model()
    initializers.layer_sequential_unit_variance(other, x, seed=0, tolerance=0.01)
    for one, two in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    with raises(["batch: expected one for which the outputs of", "received variance 0"]):
        initializers.layer_sequential_unit_variance(model(), np.zeros_like(x), seed=0)


W = uniform(0, 6, 4)
FORMULAS = [
    (regularizers.L1(0.3), lambda w: 0.3 * np.abs(w).sum(), lambda w: 0.3 * np.sign(w)),
    (regularizers.L2(0.3), lambda w: 0.3 * (w**2).sum(), lambda w: 0.6 * w),
    (regularizers.L2(0.3, half=True), lambda w: 0.15 * (w**2).sum(), lambda w: 0.3 * w),
    (regularizers.L1L2(0.2, 0.3), lambda w: 0.2 * np.abs(w).sum() + 0.3 * (w**2).sum(), lambda w: 0.2 * np.sign(w) + 0.6 * w),
    (
        regularizers.Orthogonal(0.3),
        lambda w: 0.3 * ((w.T @ w - np.eye(4)) ** 2).sum(),
        lambda w: 1.2 * w @ (w.T @ w - np.eye(4)),
    ),
    (
        regularizers.Spectral(0.3),
        lambda w: 0.15 * np.linalg.svd(w)[1][0] ** 2,
        lambda w: 0.3 * np.linalg.svd(w)[1][0] * np.outer(np.linalg.svd(w)[0][:, 0], np.linalg.svd(w)[2][0]),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("penalty", "value", "slope"), FORMULAS, ids=lambda x: type(x).__name__)
def test_penalties(penalty, value, slope):
    got, gradient = value_and_gradient(penalty, W)
    np.testing.assert_allclose(got, value(W.astype(float)), rtol=1e-5)
    np.testing.assert_allclose(gradient, slope(W.astype(float)), atol=1e-5)
    again = round_trip(penalty, keras.regularizers)
    np.testing.assert_array_equal(as_array(again(ops.convert_to_tensor(W))), got)
    layer = keras.layers.Dense(4, kernel_regularizer=penalty)
    layer.build((None, 6))
    layer.kernel.assign(W)
    np.testing.assert_allclose(as_array(layer.losses[0]), got, rtol=1e-6)
    x, y = uniform(1, 8, 6), uniform(2, 8, 4)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, kernel_regularizer=penalty)])
    model.compile(optimizer="sgd", loss="mse")
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()


def test_kerass_penalties_are_the_same():
    for ours, theirs in (
        (regularizers.L1(0.3), keras.regularizers.L1(0.3)),
        (regularizers.L2(0.3), keras.regularizers.L2(0.3)),
        (regularizers.L1L2(0.1, 0.2), keras.regularizers.L1L2(0.1, 0.2)),
    ):
        for one, two in zip(value_and_gradient(ours, W), value_and_gradient(theirs, W), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-6)


def test_a_wide_kernel_and_one_of_a_convolution():
    wide = uniform(3, 3, 5)
    got = as_array(regularizers.Orthogonal(1.0)(ops.convert_to_tensor(wide)))
    np.testing.assert_allclose(got, ((wide @ wide.T - np.eye(3)) ** 2).sum(), rtol=1e-5)
    kernel = uniform(4, 3, 3, 2, 4)
    got = as_array(regularizers.Spectral(2.0)(ops.convert_to_tensor(kernel)))
    np.testing.assert_allclose(got, np.linalg.svd(kernel.reshape(18, 4))[1][0] ** 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regularizers.L1(-0.1), "factor: expected a number >= 0, received -0.1"),
        (lambda: regularizers.L1L2(l2=-1.0), "l2: expected a number >= 0, received -1.0"),
        (lambda: regularizers.Spectral()(ops.ones(3)), r"kernel: expected at least 2 axes, received shape \(3,\)"),
    ],
)
def test_bad_arguments(call, words):
    with raises(words):
        call()


@pytest.mark.parametrize("layer", [("lstm", keras.layers.LSTM, {}), ("gru", keras.layers.GRU, {"reset_after": False})], ids=str)
def test_gate_biases_are_refused_where_they_would_mean_something_else(layer):
    cell, kind, options = layer
    with raises(["GateBias: expected the bias", cell, "received shape"]):
        kind(4, bias_initializer=initializers.GateBias(cell, 4, 9, seed=0), **options).build((None, 3, 2))
