"""Losses against Keras's, and by hand."""

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from lab import distributions, engine, losses
from tests.contracts import as_array, check_loss, raises, uniform
from tests.properties import NUMBERS, arrays, assert_same, deterministic, pairs

pytestmark = pytest.mark.usefixtures("module_graphs")

K = keras.losses
UNIT = st.floats(0, 1, width=32)
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(4), 8).astype("float32")
LABELS = np.arange(8) % 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (losses.mean_squared_error, K.mean_squared_error),
        (losses.mean_absolute_error, K.mean_absolute_error),
        (lambda y, x: losses.huber(y, x, 0.7), lambda y, x: K.huber(y, x, delta=0.7)),
    ],
    ids=["mse", "mae", "huber"],
)
def test_regression_is_kerass(ours, theirs):
    @deterministic
    @given(pairs())
    def check(both):
        y, x = both
        assert_same(lambda x: ours(y, x), lambda x: theirs(y, x), x)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_crossentropy_is_kerass(smoothing):
    @deterministic
    @given(pairs(UNIT, NUMBERS))
    def logits(both):
        y, x = both
        assert_same(
            lambda x: ops.mean(losses.binary_crossentropy(y, x, label_smoothing=smoothing), -1),
            lambda x: K.binary_crossentropy(y, x, from_logits=True, label_smoothing=smoothing),
            x,
        )

    logits()
    y, p = np.round(uniform(0, 5, 3) + 0.5).clip(0, 1), (uniform(1, 5, 3) + 1) / 2
    assert_same(
        lambda x: ops.mean(losses.binary_crossentropy(y, x, from_logits=False), -1),
        lambda x: K.binary_crossentropy(y, x),
        p,
        1e-5,
    )
    assert_same(
        lambda x: ops.mean(losses.binary_crossentropy(y, x, gamma=2.0), -1),
        lambda x: K.binary_focal_crossentropy(y, x, from_logits=True),
        uniform(2, 5, 3),
        1e-5,
    )


@pytest.mark.slow
def test_categorical_crossentropy_is_kerass():
    @deterministic
    @given(arrays(st.just((8, 4))))
    def check(x):
        for smoothing in (0.0, 0.1):
            assert_same(
                partial(losses.categorical_crossentropy, PROBABILITIES, label_smoothing=smoothing),
                partial(K.categorical_crossentropy, PROBABILITIES, from_logits=True, label_smoothing=smoothing),
                x,
                2e-6,
            )
        assert_same(
            lambda x: losses.categorical_crossentropy(LABELS, x),
            lambda x: K.sparse_categorical_crossentropy(LABELS, x, from_logits=True),
            x,
        )
        dense = np.eye(4, dtype="float32")[LABELS]
        for options in ({"gamma": 2.0}, {"class_weights": (1.0, 2.0, 0.0, 0.5)}, {"label_smoothing": 0.1}):
            one, two = (as_array(losses.categorical_crossentropy(y, x, **options)) for y in (LABELS, dense))
            np.testing.assert_array_equal(one, two)

    check()
    x = uniform(0, 8, 4)
    dense = np.eye(4, dtype="float32")[LABELS]
    assert_same(
        lambda x: losses.categorical_crossentropy(dense, x, gamma=2.0),
        lambda x: K.categorical_focal_crossentropy(dense, x, alpha=1.0, gamma=2.0, from_logits=True),
        x,
        1e-5,
    )
    p = PROBABILITIES[::-1].copy()
    assert_same(
        lambda x: losses.categorical_crossentropy(dense, x, from_logits=False),
        lambda x: K.categorical_crossentropy(dense, x),
        p,
        1e-5,
    )
    assert_same(lambda x: losses.kl_divergence(PROBABILITIES, x), lambda x: K.kl_divergence(PROBABILITIES, x), p, 1e-5)


def test_by_hand():
    zeros = np.zeros((1, 2), "float32")
    np.testing.assert_allclose(
        as_array(losses.quantile_error(np.array([1.0, -1.0]), np.zeros(2, "float32"), 0.9)), [0.9, 0.1], rtol=1e-6
    )
    np.testing.assert_allclose(as_array(losses.huber_error(ops.convert_to_tensor([0.5, -3.0]))), [0.125, 2.5])
    weighted = losses.binary_crossentropy(np.array([[1.0, 0.0]]), zeros, class_weights=(1.0, 3.0))
    np.testing.assert_allclose(as_array(weighted), [[3 * np.log(2), np.log(2)]], rtol=1e-6)
    focal = losses.binary_crossentropy(np.array([[1.0, 0.0]]), zeros, gamma=2.0)
    np.testing.assert_allclose(as_array(focal), [[np.log(2) / 4, np.log(2) / 4]], rtol=1e-6)
    weighted = losses.categorical_crossentropy(np.array([1]), zeros, class_weights=(1.0, 3.0))
    np.testing.assert_allclose(as_array(weighted), [3 * np.log(2)], rtol=1e-6)
    two = distributions.Normal(0.0, 1.0), distributions.Normal(1.0, 1.0)
    np.testing.assert_allclose(as_array(losses.kl_divergence(*two)), 0.5, rtol=1e-6)
    far = losses.binary_crossentropy(np.array([1.0, 0.0]), np.array([-1e4, 1e4], "float32"), gamma=1.0)
    np.testing.assert_allclose(as_array(far), [1e4, 1e4])


def test_focal_slope_at_zero():
    # d/dz of -(1 - p)^2 log p is 2 p (1 - p)^2 log p - (1 - p)^3.
    # At z = 0 that is -log(2)/4 - 1/8. For y = 0 the sign changes.
    gradient = engine.value_and_grad(
        lambda z: (ops.sum(losses.binary_crossentropy(np.array([1.0, 0.0], "float32"), z, gamma=2.0)), ())
    )
    slope = -np.log(2) / 4 - 1 / 8
    np.testing.assert_allclose(as_array(gradient(ops.zeros(2))[1]), [slope, -slope], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0])
def test_focal_slopes_are_finite_where_the_prediction_is_certain(gamma, dtype):
    z = np.array([120, 95, 20, 3, 0, -3, -20, -95, -120], "float32")
    logits = np.stack([z, 0 * z, 0 * z], axis=1)
    for x, loss in ((z, losses.binary_crossentropy), (logits, losses.categorical_crossentropy)):
        for y in (np.zeros(9), np.ones(9)):
            gradient = engine.value_and_grad(lambda x, loss=loss, y=y: (ops.sum(loss(y, x, gamma=gamma)), ()))
            (value, _), slope = gradient(ops.cast(x, dtype))
            assert np.isfinite(as_array(ops.cast(value, "float32")))
            assert np.isfinite(as_array(ops.cast(slope, "float32"))).all()


def test_focal_slope_of_almost_certain_predictions():
    # With q = 1 - p = e^-z (1 + O(q)) the loss q^gamma (-log p) is q^(gamma + 1) (1 + O(q)).
    # Its derivative is -(gamma + 1) q^(gamma + 1).
    gradient = engine.value_and_grad(lambda z: (ops.sum(losses.binary_crossentropy(ops.ones(2), z, gamma=0.5)), ()))
    z = np.array([12.0, 20.0], "float32")
    np.testing.assert_allclose(as_array(gradient(ops.convert_to_tensor(z))[1]), -1.5 * np.exp(-1.5 * z), rtol=1e-4)


X, Y = uniform(0, 8, 4), uniform(1, 8, 4)
CLASSES = {
    "MeanSquaredError": (losses.MeanSquaredError, Y, X),
    "MeanAbsoluteError": (losses.MeanAbsoluteError, Y, X),
    "Huber": (lambda **o: losses.Huber(0.5, **o), Y, X),
    "Quantile": (lambda **o: losses.Quantile(0.8, **o), Y, X),
    "pictures": (losses.MeanSquaredError, uniform(2, 8, 3, 3, 2), uniform(3, 8, 3, 3, 2)),
    "BinaryCrossentropy": (
        lambda **o: losses.BinaryCrossentropy(label_smoothing=0.1, gamma=1.0, **o),
        (Y > 0).astype("float32"),
        X,
    ),
    "CategoricalCrossentropy": (
        lambda **o: losses.CategoricalCrossentropy(gamma=1.0, class_weights=[1, 2, 3, 4], **o),
        LABELS,
        X,
    ),
    "dense labels": (losses.CategoricalCrossentropy, PROBABILITIES, X),
    "KLDivergence": (losses.KLDivergence, PROBABILITIES, PROBABILITIES[::-1].copy()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_contract(name):
    check_loss(*CLASSES[name])


def test_classes_are_kerass():
    for ours, theirs, y, x in (
        (losses.MeanSquaredError(reduction="sum"), K.MeanSquaredError(reduction="sum"), Y, X),
        (
            losses.BinaryCrossentropy(reduction=None),
            K.BinaryCrossentropy(from_logits=True, reduction=None),
            (Y > 0).astype("float32"),
            X,
        ),
        (losses.MeanSquaredError(), K.MeanSquaredError(), Y, X),
        (losses.MeanAbsoluteError(), K.MeanAbsoluteError(), Y, X),
        (losses.Huber(0.5), K.Huber(0.5), Y, X),
        (losses.KLDivergence(), K.KLDivergence(), PROBABILITIES, PROBABILITIES[::-1].copy()),
        (losses.CategoricalCrossentropy(), K.SparseCategoricalCrossentropy(from_logits=True), LABELS, X),
        (losses.BinaryCrossentropy(), K.BinaryCrossentropy(from_logits=True), (Y > 0).astype("float32"), X),
    ):
        for weights in (None, np.arange(8.0)):
            np.testing.assert_allclose(as_array(ours(y, x, weights)), as_array(theirs(y, x, weights)), rtol=1e-6)


REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(8,), (8, 1), (), (1,)])
def test_weights_of_samples_are_kerass(reduction, shape):
    weights = np.random.default_rng(0).uniform(0, 3, shape).astype("float32")
    for ours, theirs in ((losses.MeanSquaredError, K.MeanSquaredError), (losses.MeanAbsoluteError, K.MeanAbsoluteError)):
        each = weights if weights.size == 8 else np.broadcast_to(weights, 8)
        got, expected = (as_array(loss(reduction=reduction)(Y, X, w)) for loss, w in ((ours, weights), (theirs, each)))
        np.testing.assert_allclose(np.ravel(got), np.ravel(expected), rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(2,), (2, 4), (2, 1), (2, 1, 1), (2, 4, 5), (2, 4, 5, 1), (2, 4, 5, 3), (1, 1, 5, 3), ()])
def test_weights_of_pictures(reduction, shape):
    y, x = uniform(2, 2, 4, 5, 3), uniform(3, 2, 4, 5, 3)
    weights = np.random.default_rng(0).uniform(0, 3, shape).astype("float32")
    full = np.broadcast_to(weights.reshape(*shape, *(1,) * (4 - len(shape))), x.shape)
    loss = losses.MeanSquaredError(reduction=reduction)
    if np.ptp(full, axis=-1).any():
        samples = ((y - x) ** 2 * full).mean(-1)
        mean, each = samples.sum() / full.mean(-1).sum(), samples.mean()
        expected = dict(zip(REDUCTIONS, (each, each, samples.sum(), mean, samples), strict=True))[reduction]
    else:
        expected = as_array(K.MeanSquaredError(reduction=reduction)(y, x, full[..., 0]))
    np.testing.assert_allclose(as_array(loss(y, x, weights)), expected, rtol=2e-6)
    ones = as_array(loss(y, x, np.ones(shape, "float32")))
    np.testing.assert_allclose(ones, as_array(loss(y, x)), rtol=2e-6)


def test_weights_of_elements_keep_masks_and_finite_gradients():
    inputs, weights = keras.Input((3, 2)), uniform(4, 8, 3, 2) + 1.0
    x, y = uniform(2, 8, 3, 2), uniform(3, 8, 3, 2)
    x[0], x[1, 2], weights[2] = 0.0, 0.0, 0.0
    model = keras.Model(inputs, keras.layers.Masking()(inputs))
    loss, kept = losses.MeanSquaredError(reduction="sum"), np.any(x != 0, axis=-1, keepdims=True)
    np.testing.assert_allclose(as_array(loss(y, model(x), weights)), ((y - x) ** 2 * weights * kept).sum() / 2, rtol=1e-5)
    _, slope = engine.value_and_grad(lambda x: (loss(y, x, weights), ()))(ops.convert_to_tensor(x))
    np.testing.assert_allclose(as_array(slope), (x - y) * weights, rtol=1e-5)


def test_weights_of_elements_train():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=losses.MeanSquaredError())
    expected = as_array(losses.MeanSquaredError()(Y, model(X), np.abs(X)))
    history = model.fit(X, Y, sample_weight=np.abs(X), batch_size=8, verbose=0)
    np.testing.assert_allclose(history.history["loss"], [expected], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: losses.mean_squared_error(X, X[:, :2]), [r"y_true: expected y_pred's shape \(8, 2\), received \(8, 4\)"]),
        (lambda: losses.mean_squared_error(X, X.astype("int32")), ["y_pred: expected floating-point numbers, received int32"]),
        (lambda: losses.quantile_error(X, X, 1.0), [r"quantile: expected a number > 0 and < 1, received 1.0"]),
        (lambda: losses.Huber(0.0), ["delta: expected a number > 0, received 0.0"]),
        (lambda: losses.BinaryCrossentropy(gamma=-1.0), ["gamma: expected a number >= 0, received -1.0"]),
        (lambda: losses.BinaryCrossentropy(class_weights=(1, 2, 3)), ["class_weights: expected 2 numbers"]),
        (
            lambda: losses.binary_crossentropy(X, X, label_smoothing=-1.0),
            [r"label_smoothing: expected a number >= 0 and <= 1", "-1.0"],
        ),
        (lambda: losses.categorical_crossentropy(X, X, class_weights=(1, 2)), ["class_weights: expected 4 numbers, received"]),
        (lambda: losses.CategoricalCrossentropy(class_weights=(1, -2)), ["class_weights: expected a number >= 0, received -2"]),
        (lambda: losses.Quantile("half"), [r"quantile: expected a number > 0 and < 1, received 'half'"]),
        (lambda: losses.CategoricalCrossentropy(label_smoothing=2.0), [r"label_smoothing: expected a number >= 0 and <= 1"]),
    ],
)
def test_bad_arguments(call, words):
    with raises(words):
        call()


def test_predictions_in_the_place_of_delta_are_refused():
    y_true, y_pred = uniform(0, 3, 2), uniform(1, 3, 2)
    np.testing.assert_allclose(as_array(losses.huber(y_true, y_pred)), as_array(keras.losses.huber(y_true, y_pred)), rtol=1e-6)
    with raises(r"delta: expected a number > 0, received an array of shape \(3, 2\)"):
        losses.huber_error(y_true, y_pred)
    with raises(r"quantile: expected a number > 0 and < 1, received an array of shape \(3, 2\)"):
        losses.quantile_error(y_true, y_pred, y_pred)
    with raises(r"kappa: expected a number >= 0, received -1"):
        losses.reinforcement.quantile_huber(y_true, y_pred, kappa=-1)
