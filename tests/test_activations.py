"""Activations against Keras's, their derivatives against automatic differentiation."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from lab import activations, engine
from tests.contracts import as_array, check_activation, raises
from tests.properties import arrays, assert_same, deterministic, value_and_gradient

pytestmark = pytest.mark.usefixtures("module_graphs")

K = keras.activations
PAIRS = {
    "sigmoid": (activations.sigmoid, K.sigmoid),
    "tanh": (activations.tanh, K.tanh),
    "relu": (activations.relu, K.relu),
    "leaky_relu": (lambda x: activations.leaky_relu(x, 0.3), lambda x: K.leaky_relu(x, 0.3)),
    "prelu": (lambda x: activations.prelu(x, 0.3), lambda x: K.leaky_relu(x, 0.3)),
    "elu": (lambda x: activations.elu(x, 0.7), lambda x: K.elu(x, 0.7)),
    "selu": (activations.selu, K.selu),
    "softplus": (activations.softplus, K.softplus),
    "gelu": (activations.gelu, lambda x: K.gelu(x, approximate=False)),
    "softmax": (activations.softmax, lambda x: ops.softmax(x, axis=-1)),
    "log_softmax": (activations.log_softmax, lambda x: ops.log_softmax(x, axis=-1)),
}
DERIVATIVES = [
    ("sigmoid", {}),
    ("tanh", {}),
    ("relu", {}),
    ("leaky_relu", {"alpha": 0.3}),
    ("prelu", {"alpha": 0.3}),
    ("elu", {"alpha": 0.7}),
    ("selu", {}),
    ("softplus", {}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("maxout", {"k": 2}),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients_are_kerass(name):
    @deterministic
    @given(arrays())
    def check(x):
        # prelu has two slopes at 0, and JAX flushes tiny numbers to 0
        x = np.where(np.abs(x) < 1e-30, np.float32(0.5), x) if name == "prelu" else x
        assert_same(*PAIRS[name], x)

    check()


@pytest.mark.parametrize("name", PAIRS)
def test_at_infinity(name):
    x = np.array([[-np.inf, 0.0, 1.0], [np.inf, 0.0, 1.0]], "float32")
    ours, theirs = (as_array(function(ops.convert_to_tensor(x))) for function in PAIRS[name])
    defined = np.isfinite(theirs) | np.isinf(theirs)
    np.testing.assert_allclose(ours[defined], theirs[defined], rtol=1e-6)
    limits = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf), "elu": (-0.7, np.inf), "softplus": (0, np.inf)}
    if name in limits:
        np.testing.assert_allclose(ours[:, 0], limits[name], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), DERIVATIVES, ids=str)
def test_the_closed_form_is_the_gradient(name, options):
    slope = activations.derivative(name, **options)

    @deterministic
    @given(
        arrays(
            st.tuples(st.integers(1, 4), st.just(4)), st.one_of(st.sampled_from([1e4, -1e4, 50.0]), st.floats(-9, 9, width=32))
        )
    )
    def check(x):
        x = np.where(np.abs(x) < 1e-3, np.float32(0.5), x)  # away from kinks
        x = x + np.arange(4, dtype="float32") * 1e-3  # and ties
        y, gradient = value_and_gradient(lambda x: getattr(activations, name)(x, **options), x)
        weights = np.cos(np.arange(y.size)).reshape(y.shape).astype("float32")
        weights = np.repeat(weights, options["k"], axis=-1) if name == "maxout" else weights
        got = as_array(slope(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(got * weights, gradient, rtol=1e-5, atol=2e-6)

    check()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_jacobians(name):
    x = np.array([[1.0, -2.0, 0.5], [1e4, 0.0, -1e4]], "float32")
    jacobian = as_array(activations.derivative(name, temperature=0.7)(ops.convert_to_tensor(x)))
    for i in range(3):
        _, row = engine.value_and_grad(lambda x, i=i: (ops.sum(getattr(activations, name)(x, temperature=0.7)[:, i]), ()))(
            ops.convert_to_tensor(x)
        )
        np.testing.assert_allclose(jacobian[:, i], as_array(row), atol=1e-6)


def test_by_hand():
    x = np.array([-1.0, 0.0, 2.0], "float32")
    np.testing.assert_allclose(as_array(activations.softmax(np.array([0.0, np.log(3.0)], "float32"))), [0.25, 0.75], rtol=1e-6)
    np.testing.assert_allclose(
        as_array(activations.softmax(np.array([0.0, np.log(3.0)], "float32"), temperature=0.5)), [0.1, 0.9], rtol=1e-6
    )
    np.testing.assert_array_equal(as_array(activations.softmax(np.array([1e4, -1e4], "float32"))), [1, 0])
    np.testing.assert_array_equal(as_array(activations.maxout(np.array([1.0, 3.0, -2.0, -5.0], "float32"), 2)), [3, -2])
    np.testing.assert_array_equal(as_array(activations.derivative("relu")(ops.convert_to_tensor(x))), [0, 0, 1])
    assert as_array(activations.derivative("sigmoid")(ops.convert_to_tensor(0.0))) == 0.25
    np.testing.assert_allclose(
        as_array(activations.selu(x))[0], 1.0507009873554805 * 1.6732632423543772 * (np.exp(-1) - 1), rtol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAIRS if name != "prelu"])
def test_contract(name):
    check_activation(getattr(activations, name))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: activations.derivative("swish"), ["name: expected one of elu, gelu", "received 'swish'"]),
        (
            lambda: activations.softmax(np.zeros(2, "float32"), temperature=0.0),
            ["temperature: expected a number > 0, received 0.0"],
        ),
        (lambda: activations.maxout(np.zeros(5, "float32"), 2), ["k: expected an integer >= 1 that divides the last axis, 5"]),
    ],
)
def test_bad_arguments(call, words):
    with raises(words):
        call()
