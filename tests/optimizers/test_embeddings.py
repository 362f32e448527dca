"""Gradients of an embedding with repeated ids.

TensorFlow gives them row by row. The papers' rules, in float64, are applied to the sum of the rows.
"""

import keras
import numpy as np
import pytest

from lab import optimizers
from tests.contracts import as_array
from tests.optimizers.test_rules import adam_direction, radam

ROWS, INDICES = np.array([[1.0, 2.0], [3.0, 4.0], [-0.5, 0.25]], "float32"), np.array([1, 1, 0], "int32")
SUMMED = np.array([[-0.5, 0.25], [4.0, 6.0], [0.0, 0.0]])  # nothing was looked up in the third row


def gradient():
    """The backend's gradient for three rows with two different ids."""
    if keras.backend.backend() != "tensorflow":
        return keras.ops.convert_to_tensor(SUMMED.astype("float32"))
    import tensorflow as tf

    return tf.IndexedSlices(tf.constant(ROWS), tf.constant(INDICES), tf.constant(SUMMED.shape))


def momentum(nesterov=False):
    velocity = step = 0.0
    while True:
        g = yield step
        velocity = 0.9 * velocity + 0.1 * g
        step = 0.9 * velocity + 0.1 * g if nesterov else velocity


def adagrad():
    square, step = 0.1, 0.0
    while True:
        g = yield step
        square = square + g * g
        step = 0.1 * g / np.sqrt(square + 1e-7)


def rmsprop(centered=False):
    square = average = step = 0.0
    while True:
        g = yield step
        square, average = 0.9 * square + 0.1 * g * g, 0.9 * average + 0.1 * g
        step = 0.1 * g / np.sqrt(square - centered * average**2 + 1e-7)


def scaled(direction, rate=0.1):
    """Steps along a direction."""
    next(direction)
    step = 0.0
    while True:
        step = rate * direction.send((yield step))


def optimistic():
    direction = adam_direction(0.0, 0.999)
    step = last = 0.0
    next(direction)
    while True:
        now = direction.send((yield step))
        step, last = 0.2 * now - 0.1 * last, now


def plain(change=lambda g: g):
    step = 0.0
    while True:
        step = 0.1 * change((yield step))


def clipped(norm):
    return lambda g: g * min(1.0, norm / np.sqrt(np.sum(g * g)))


RULES = {
    "SGD": (lambda: optimizers.SGD(0.1), plain),
    "GradientDescent": (lambda: optimizers.GradientDescent(0.1), plain),
    "Momentum": (lambda: optimizers.Momentum(0.1), momentum),
    "Nesterov": (lambda: optimizers.Nesterov(0.1), lambda: momentum(nesterov=True)),
    "Adagrad": (lambda: optimizers.Adagrad(0.1), adagrad),
    "RMSprop": (lambda: optimizers.RMSprop(0.1), rmsprop),
    "RMSprop centred": (lambda: optimizers.RMSprop(0.1, centered=True), lambda: rmsprop(centered=True)),
    "Adam": (lambda: optimizers.Adam(0.1), lambda: scaled(adam_direction(0.9, 0.999))),
    "RAdam": (lambda: optimizers.RAdam(0.05), radam),
    "OptimisticAdam": (lambda: optimizers.OptimisticAdam(0.1), optimistic),
    "SAM": (lambda: optimizers.SAM(optimizers.Adam(0.1)), lambda: scaled(adam_direction(0.9, 0.999))),
    "ExtraGradient": (
        lambda: optimizers.ExtraGradient(keras.optimizers.Adam(0.1, epsilon=1e-8)),
        lambda: scaled(adam_direction(0.9, 0.999)),
    ),
    "clipnorm": (lambda: optimizers.SGD(0.1, clipnorm=1.0), lambda: plain(clipped(1.0))),
    "global_clipnorm": (lambda: optimizers.SGD(0.1, global_clipnorm=1.0), lambda: plain(clipped(1.0))),
    "clipvalue": (lambda: optimizers.SGD(0.1, clipvalue=3.0), lambda: plain(lambda g: np.clip(g, -3.0, 3.0))),
    "loss_scale_factor": (lambda: optimizers.SGD(0.1, loss_scale_factor=2.0), lambda: plain(lambda g: g / 2.0)),
}


def steps(optimizer, count=8, given=None):
    """A table of ones after some steps with one gradient: `given`, or rows with their ids."""
    table = keras.Variable(np.ones((3, 2), "float32"))
    optimizer.build([table])
    for _ in range(count):
        optimizer.apply([gradient() if given is None else given], [table])
    return as_array(table)


@pytest.mark.parametrize("name", RULES)
def test_repeated_ids_are_one_row(name):
    make, rule = RULES[name]
    step, table = rule(), np.ones((3, 2))
    next(step)
    for _ in range(8):
        table = table - step.send(SUMMED)
    found = steps(make())
    np.testing.assert_allclose(found, table, atol=2e-5, rtol=2e-5)  # float32's 1 - 0.999^t has five digits
    np.testing.assert_allclose(found, steps(make(), given=keras.ops.convert_to_tensor(SUMMED.astype("float32"))), atol=1e-6)


def test_by_hand():
    table = steps(optimizers.Adam(0.1), 3)  # Adam's step is its rate, whatever the size of a constant gradient
    np.testing.assert_allclose(table, [[1.3, 0.7], [0.7, 0.7], [1.0, 1.0]], atol=1e-5)


@pytest.mark.parametrize("inner", [optimizers.Adam, keras.optimizers.Adam])
def test_the_slow_weights_are_of_the_summed_rows(inner):
    # Each step moves the fast weights by 0.1. Every second step they go half way back.
    table = steps(optimizers.Lookahead(inner(0.1), interval=2, alpha=0.5), 4)
    np.testing.assert_allclose(table[1], [0.8, 0.8], atol=1e-5)


@pytest.mark.parametrize("go", ["ascend", "extrapolate"])
def test_the_point_ahead_is_of_the_summed_rows(go):
    inner = optimizers.SGD(0.1, global_clipnorm=1.0)
    optimizer = optimizers.SAM(inner, rho=0.1) if go == "ascend" else optimizers.ExtraGradient(inner)
    table = keras.Variable(np.zeros((3, 2), "float32"))
    getattr(optimizer, go)([gradient()], [table])
    sign = 1.0 if go == "ascend" else -1.0
    np.testing.assert_allclose(as_array(table), sign * 0.1 * SUMMED / np.linalg.norm(SUMMED), atol=1e-6)


def test_a_row_without_a_gradient_moves_by_its_momentum():
    table = keras.Variable(np.ones((3, 2), "float32"))
    optimizer = optimizers.Momentum(0.1, 0.5)
    optimizer.build([table])
    optimizer.apply([keras.ops.ones((3, 2))], [table])
    optimizer.apply([gradient()], [table])
    np.testing.assert_allclose(as_array(table)[2], 0.85, rtol=1e-6)  # .1, then half of it again


def test_a_line_search_goes_along_the_summed_rows():
    table = keras.Variable(np.zeros((3, 2), "float32"))
    optimizer = optimizers.GradientDescent(0.5)
    optimizer.build([table])

    def loss():
        return keras.ops.sum(0.5 * keras.ops.square(keras.ops.add(table, SUMMED.astype("float32"))))

    assert optimizer.line_search(loss, [gradient()], [table])[0] == 0.5
    np.testing.assert_allclose(as_array(table), -0.5 * SUMMED, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: optimizers.Adam(0.1, global_clipnorm=0.5), lambda: optimizers.RMSprop(0.1)])
def test_fitting_an_embedding_is_fitting_a_matrix_of_its_rows(make):
    ids, labels = np.array([[1, 1], [2, 1], [1, 3]]), np.array([[1.0], [0.0], [1.0]], "float32")
    start = np.linspace(-1.0, 1.0, 15, dtype="float32").reshape(5, 3)
    tables = []
    for looked_up in (True, False):
        first = keras.layers.Embedding(5, 3) if looked_up else keras.layers.Dense(3, use_bias=False)
        last = keras.layers.Dense(1, kernel_initializer="ones")
        model = keras.Sequential([keras.Input((2,) if looked_up else (2, 5)), first, keras.layers.Flatten(), last])
        first.set_weights([start])
        model.compile(make(), "mse", jit_compile=False)
        model.fit(ids if looked_up else np.eye(5, dtype="float32")[ids], labels, epochs=4, verbose=0)
        tables.append(as_array(first.weights[0]))
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-6)
