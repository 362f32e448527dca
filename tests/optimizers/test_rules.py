"""Update rules against Keras's, against the papers in NumPy's float64, and by hand."""

import keras
import numpy as np
import pytest

from lab import optimizers
from tests.contracts import as_array, check_optimizer, quadratic, raises, same_options, trajectory

pytestmark = pytest.mark.usefixtures("module_graphs")

K = keras.optimizers
# ours, Keras's counterpart
PAIRS = {
    "SGD": (lambda **o: optimizers.SGD(**{"learning_rate": 0.05} | o), lambda **o: K.SGD(**{"learning_rate": 0.05} | o)),
    "GradientDescent": (
        lambda **o: optimizers.GradientDescent(**{"learning_rate": 0.05} | o),
        lambda **o: K.SGD(**{"learning_rate": 0.05} | o),
    ),
    "Momentum": (
        lambda **o: optimizers.Momentum(**{"learning_rate": 0.05} | o),
        lambda **o: K.SGD(**{"learning_rate": 0.05, "momentum": 0.9} | o),
    ),
    "Nesterov": (
        lambda **o: optimizers.Nesterov(**{"learning_rate": 0.05} | o),
        lambda **o: K.SGD(**{"learning_rate": 0.05, "momentum": 0.9, "nesterov": True} | o),
    ),
    "Adagrad": (
        lambda **o: optimizers.Adagrad(**{"learning_rate": 0.05} | o),
        lambda **o: K.Adagrad(**{"learning_rate": 0.05} | o),
    ),
    "RMSprop": (
        lambda **o: optimizers.RMSprop(**{"learning_rate": 0.05} | o),
        lambda **o: K.RMSprop(**{"learning_rate": 0.05} | o),
    ),
    "RMSprop centred": (
        lambda **o: optimizers.RMSprop(**{"learning_rate": 0.05, "centered": True, "momentum": 0.5, "epsilon": 0.01} | o),
        lambda **o: K.RMSprop(**{"learning_rate": 0.05, "centered": True, "momentum": 0.5, "epsilon": 0.01} | o),
    ),
    "Adam": (
        lambda **o: optimizers.Adam(**{"learning_rate": 0.05, "epsilon_hat": True} | o),
        lambda **o: K.Adam(**{"learning_rate": 0.05, "epsilon": 1e-8} | o),
    ),
    "AMSGrad": (
        lambda **o: optimizers.Adam(**{"learning_rate": 0.05, "epsilon_hat": True, "amsgrad": True} | o),
        lambda **o: K.Adam(**{"learning_rate": 0.05, "epsilon": 1e-8, "amsgrad": True} | o),
    ),
}
OWN = {
    "RAdam": lambda **o: optimizers.RAdam(**{"learning_rate": 0.05} | o),
    "OptimisticAdam": lambda **o: optimizers.OptimisticAdam(**{"learning_rate": 0.05} | o),
    "Adam": lambda **o: optimizers.Adam(**{"learning_rate": 0.05} | o),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_contract(name):
    check_optimizer(PAIRS[name][0])


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_contract_of_those_that_keras_lacks(name):
    check_optimizer(OWN[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_fifty_steps_are_kerass(name):
    ours, theirs = PAIRS[name]
    np.testing.assert_allclose(trajectory(ours(), 50), trajectory(theirs(), 50), atol=2e-6, rtol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Momentum", "Adam"])
def test_kerass_options(name):
    same_options(*PAIRS[name])


def paper(rule, steps=50):
    """A trajectory on `quadratic` in float64.

    `rule` is a generator function. It receives gradients and yields steps.
    """
    variables, _ = quadratic()
    theta = np.concatenate([as_array(variable).astype(float).ravel() for variable in variables])
    rng = np.random.default_rng(0)
    for shape in [(3, 4), (4,), (4, 2)]:
        rng.normal(size=shape)
    scale = np.concatenate([rng.uniform(0.5, 3.0, shape).astype("float32").ravel() for shape in [(3, 4), (4,), (4, 2)]])
    points, step = [], rule()
    next(step)
    for _ in range(steps):
        theta = theta - step.send(scale * (theta - 1.0))
        points.append(theta)
    return np.stack(points)


def adam_direction(b1, b2, epsilon=1e-8):
    m = v = 0.0
    t, direction = 0, None
    while True:
        g = yield direction
        t += 1
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        direction = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + epsilon)


def adam():
    inner = adam_direction(0.9, 0.999)
    next(inner)
    step = None
    while True:
        step = 0.05 * inner.send((yield step))


def optimistic_adam():
    inner = adam_direction(0.0, 0.999)
    next(inner)
    last, step = 0.0, None
    while True:
        now = inner.send((yield step))
        step, last = 2 * 0.05 * now - 0.05 * last, now


def radam():
    m = v = 0.0
    b1, b2 = 0.9, 0.999
    t, step = 0, None
    most = 2 / (1 - b2) - 1
    while True:
        g = yield step
        t += 1
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        length = most - 2 * t * b2**t / (1 - b2**t)
        step = 0.05 * m / (1 - b1**t)
        if length > 4:
            r = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
            step = step * r / (np.sqrt(v / (1 - b2**t)) + 1e-8)


def rmsprop_of_torch():
    s, step = 0.0, None
    while True:
        g = yield step
        s = 0.9 * s + 0.1 * g * g
        step = 0.05 * g / (np.sqrt(s) + 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (OWN["Adam"], adam),
        (OWN["OptimisticAdam"], optimistic_adam),
        (OWN["RAdam"], radam),
        (lambda **o: optimizers.RMSprop(0.05, epsilon=1e-3, epsilon_inside=False, **o), rmsprop_of_torch),
    ],
    ids=["adam", "optimistic", "radam", "rmsprop"],
)
def test_fifty_steps_are_the_papers(make, rule):
    np.testing.assert_allclose(trajectory(make(), 50), paper(rule), atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(
    ("optimizer", "first", "second"),
    [
        # gradients 2 and then 1 on a weight of 1
        (optimizers.SGD(0.1), 0.8, 0.7),
        (optimizers.Momentum(0.1, 0.5), 0.8, 0.6),  # v = .2, then .1 + .1
        (optimizers.Momentum(0.1, 0.5, dampening=0.5), 0.9, 0.8),  # v = .1, then .05 + .05
        (optimizers.Nesterov(0.1, 0.5), 0.7, 0.5),  # .5 v + .1 g: .1 + .2, then .1 + .1
        (optimizers.Adagrad(0.1, 0.0, 0.0), 0.9, 0.9 - 0.1 / 5**0.5),
        (optimizers.RMSprop(0.1, 0.75, epsilon=0.0), 0.8, 0.7),  # s = 1, then .75 + .25
        (optimizers.Adam(0.1, 0.5, 0.75, epsilon=0.0), 0.9, 0.9 - 0.1 * (1 / 0.75) / (1 / 0.4375) ** 0.5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, keras.optimizers.Optimizer) else "",
)
def test_two_steps_by_hand(optimizer, first, second):
    weight = keras.Variable(1.0)
    optimizer.build([weight])
    for gradient, expected in ((2.0, first), (1.0, second)):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        np.testing.assert_allclose(as_array(weight), expected, rtol=1e-6)


def test_variables_without_a_gradient_keep_weights_and_slots():
    variables, gradients = quadratic()
    optimizer = optimizers.Momentum(0.05)
    optimizer.build(variables)
    optimizer.apply(gradients(), variables)
    before = [as_array(variable).copy() for variable in (variables[1], optimizer.variables[3])]
    given = gradients()
    given[1] = None
    optimizer.apply(given, variables)
    after = [as_array(variable) for variable in (variables[1], optimizer.variables[3])]
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


def test_variables_of_two_types():
    single, half = keras.Variable(np.ones(3), dtype="float32"), keras.Variable(np.ones(3), dtype="float16")
    optimizer = optimizers.Adam(0.1)
    optimizer.build([single, half])
    optimizer.apply([keras.ops.ones(3), keras.ops.ones(3)], [single, half])
    np.testing.assert_allclose(as_array(single), 0.9, rtol=1e-6)
    np.testing.assert_allclose(as_array(half), 0.9, rtol=1e-2)


@pytest.mark.slow
def test_line_search_takes_the_first_good_step_and_none_at_a_minimum():
    weight = keras.Variable([1.0, 1.0])
    curvature = np.array([1.0, 30.0], "float32")

    def loss():
        return 0.5 * keras.ops.sum(keras.ops.multiply(curvature, keras.ops.square(weight)))

    optimizer = optimizers.GradientDescent(1.0)
    optimizer.build([weight])
    eta, value = optimizer.line_search(loss, [curvature * as_array(weight)], [weight])
    # J = 15.5 and |g|^2 = 901. J(1 - eta g) = 0.5 (1 - eta)^2 + 15 (1 - 30 eta)^2.
    # eta = 1/16 is the first power of 1/2 that decreases it enough.
    assert eta == 1 / 16
    np.testing.assert_allclose(value, 0.5 * (15 / 16) ** 2 + 15 * (14 / 16) ** 2, rtol=1e-6)
    np.testing.assert_allclose(as_array(weight), [15 / 16, 1 - 30 / 16], rtol=1e-6)
    for _ in range(200):
        optimizer.line_search(loss, [curvature * as_array(weight)], [weight])
    np.testing.assert_allclose(as_array(weight), [0, 0], atol=1e-3)
    before = as_array(weight).copy()
    assert optimizer.line_search(loss, [-curvature * (as_array(weight) + 1)], [weight], tries=5)[0] == 0.0  # uphill
    np.testing.assert_array_equal(as_array(weight), before)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optimizers.SGD(-0.1), ["learning_rate: expected a number > 0", "-0.1"]),
        (lambda: optimizers.Adam(beta_1=1.0), [r"beta_1: expected a number >= 0 and < 1", "1.0"]),
        (lambda: optimizers.Adam(epsilon=-1.0), ["epsilon: expected a number >= 0", "-1.0"]),
        (lambda: optimizers.Momentum(dampening=2.0), ["dampening", "2.0"]),
        (lambda: optimizers.RAdam(beta_2=0.5), ["beta_2", "0.5"]),
        (lambda: optimizers.Lookahead("adam"), ["inner: expected a Keras optimizer", "adam"]),
        (lambda: optimizers.Lookahead(optimizers.SGD(), interval=0), ["interval", "0"]),
        (lambda: optimizers.SAM(optimizers.SGD(), rho=0.0), ["rho", "0.0"]),
    ],
)
def test_bad_arguments(make, words):
    with raises(words):
        make()
