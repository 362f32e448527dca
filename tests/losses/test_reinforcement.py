"""Targets and losses of reinforcement learning."""

import numpy as np
import pytest
from keras import ops

from lab import distributions, engine
from lab.losses import reinforcement
from tests.contracts import as_array, raises, uniform


def test_targets_by_hand():
    online, target = np.array([[1.0, 2.0], [5.0, 0.0]], "float32"), np.array([[7.0, 3.0], [4.0, 6.0]], "float32")
    np.testing.assert_allclose(as_array(reinforcement.td_error(1.0, 2.0, 0.5, 4.0)), 3)
    np.testing.assert_allclose(as_array(reinforcement.q_learning_bootstrap(online, target)), [7, 6])
    np.testing.assert_allclose(as_array(reinforcement.double_q_learning_bootstrap(online, target)), [3, 4])
    np.testing.assert_allclose(as_array(reinforcement.clipped_double_q_learning_bootstrap(online, target)), [2, 4])
    policy = np.array([[0.5, 0.5], [0.25, 0.75]], "float32")
    np.testing.assert_allclose(as_array(reinforcement.expected_sarsa_bootstrap(target, policy)), [5, 5.5])


def test_shapes_that_would_be_broadcast_are_refused():
    flat, column = np.ones(3, "float32"), np.ones((3, 1), "float32")
    for call in (
        lambda: reinforcement.td_error(flat, column, 1.0, flat),
        lambda: reinforcement.policy_gradient(flat, column),
        lambda: reinforcement.clipped_surrogate(flat, flat, column),
    ):
        with raises(["of one shape, received", r"\(3,\)", r"\(3, 1\)"]):
            call()


def test_quantile_huber():
    quantiles, td_target = uniform(0, 3, 4), 3 * uniform(1, 3, 5)
    tau = (np.arange(4) + 0.5) / 4
    for kappa in (1.0, 0.3, 0.0):
        u = td_target[:, None, :] - quantiles[:, :, None]
        size = np.where(np.abs(u) <= kappa, u**2 / 2, kappa * (np.abs(u) - kappa / 2)) / kappa if kappa else np.abs(u)
        expected = (np.abs(tau[:, None] - (u < 0)) * size).mean(-1).sum(-1)
        got = reinforcement.quantile_huber(ops.convert_to_tensor(quantiles), ops.convert_to_tensor(td_target), kappa=kappa)
        np.testing.assert_allclose(as_array(got), expected, rtol=1e-5)


@pytest.mark.slow
def test_quantile_regression_finds_the_quantiles():
    sample = np.sort(np.random.default_rng(0).normal(size=501)).astype("float32")
    theta = np.zeros((1, 4), "float32")
    for _ in range(600):
        _, gradient = engine.value_and_grad(
            lambda x: (ops.sum(reinforcement.quantile_huber(x, ops.convert_to_tensor(sample[None]), kappa=0.0)), ())
        )(ops.convert_to_tensor(theta))
        theta = theta - 0.05 * as_array(gradient)
    np.testing.assert_allclose(theta[0], np.quantile(sample, [0.125, 0.375, 0.625, 0.875]), atol=0.05)


def projected(probabilities, reward, discount, support):
    """Algorithm 1 of Bellemare et al. 2017, in loops."""
    low, high = support[0], support[-1]
    count = len(support)
    spacing = (high - low) / (count - 1)
    result = np.zeros_like(probabilities, float)
    for row in range(len(reward)):
        for j in range(count):
            b = (np.clip(reward[row] + discount[row] * support[j], low, high) - low) / spacing
            lower, upper = int(np.floor(b)), int(np.ceil(b))
            if lower == upper:
                result[row, lower] += probabilities[row, j]
            else:
                result[row, lower] += probabilities[row, j] * (upper - b)
                result[row, upper] += probabilities[row, j] * (b - lower)
    return result


def test_categorical_projection():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(11), 5).astype("float32")
    reward, discount = np.array([0.3, -4.0, 20.0, 1.0, 0.0], "float32"), np.array([0.9, 0.99, 0.9, 0.0, 1.0], "float32")
    support = np.linspace(-5, 5, 11).astype("float32")
    got = as_array(reinforcement.categorical_projection(p, *(ops.convert_to_tensor(x) for x in (reward, discount, support))))
    np.testing.assert_allclose(got, projected(p, reward, discount, support), atol=1e-5)
    np.testing.assert_allclose(got.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(got[4], p[4], atol=1e-6)  # r = 0, gamma = 1
    np.testing.assert_allclose(got[3], np.eye(11)[6], atol=1e-6)  # terminated: all at r


def test_policy_losses():
    log_prob, advantage = (
        ops.convert_to_tensor(np.log([0.5, 0.5, 0.5]).astype("float32")),
        ops.convert_to_tensor([2.0, -1.0, 0.0]),
    )
    np.testing.assert_allclose(
        as_array(reinforcement.policy_gradient(log_prob, advantage)), np.log(2) * np.array([2, -1, 0]), rtol=1e-6
    )
    ratio = np.array([1.5, 1.5, 0.5, 0.5, 1.1], "float32")
    advantage = np.array([1.0, -1.0, 1.0, -1.0, 1.0], "float32")
    old = np.zeros(5, "float32")

    def loss(log_prob):
        values = reinforcement.clipped_surrogate(log_prob, ops.convert_to_tensor(old), ops.convert_to_tensor(advantage))
        return ops.sum(values), values

    (_, values), gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(np.log(ratio)))
    np.testing.assert_allclose(as_array(values), [-1.2, 1.5, -0.5, 0.8, -1.1], rtol=1e-6)
    np.testing.assert_allclose(as_array(gradient), [0, 1.5, -0.5, 0, -1.1], rtol=1e-6)  # clipped ones do not move
    policy = distributions.Categorical(np.zeros(4, "float32"))
    np.testing.assert_allclose(as_array(reinforcement.entropy_loss(policy)), -np.log(4), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "most"), [("float32", 20), ("float16", 10), ("bfloat16", 20)])
def test_a_ratio_that_would_overflow_is_finite_and_so_is_its_gradient(dtype, most):
    change = [most - 1.0, most + 1.0, 89.0, 1000.0, -1000.0, -np.inf]
    for advantage, clipped in ((1.0, [-1.2] * 4 + [0, 0]), (-1.0, None)):

        def loss(log_prob):
            old, gain = ops.zeros_like(log_prob), ops.full_like(log_prob, advantage)  # noqa: B023
            values = reinforcement.clipped_surrogate(log_prob, old, gain)
            return ops.sum(ops.cast(values, "float32")), values

        (_, values), gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(change, dtype))
        values, gradient = (as_array(ops.cast(x, "float32")) for x in (values, gradient))
        greatest = np.exp([most - 1.0] + [most] * 3)
        expected = [*greatest, 0.8, 0.8] if clipped is None else clipped
        np.testing.assert_allclose(values, expected, rtol=2e-2 if dtype != "float32" else 1e-6)
        slope = [*greatest, 0, 0] if clipped is None else [0] * 6
        np.testing.assert_allclose(gradient, slope, rtol=2e-2 if dtype != "float32" else 1e-6)
