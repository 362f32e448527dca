"""Objectives and penalties of GANs."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.losses import adversarial, penalties
from tests.contracts import as_array, raises, uniform

REAL, FAKE = np.array([0.5, -1.0], "float32"), np.array([2.0, 0.0], "float32")


def log_sigmoid(x):
    return -np.logaddexp(0, -x)


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("minimax", -(log_sigmoid(REAL) + log_sigmoid(-FAKE)).mean(), log_sigmoid(-FAKE).mean()),
        ("non_saturating", -(log_sigmoid(REAL) + log_sigmoid(-FAKE)).mean(), -log_sigmoid(FAKE).mean()),
        ("least_squares", (0.25 + 4 + 4 + 0) / 4, (1 + 1) / 4),
        ("wasserstein", 1.0 + 0.25, -1.0),
        ("hinge", (0.5 + 2) / 2 + (3 + 1) / 2, -1.0),
        ("relativistic", -log_sigmoid(REAL - FAKE).mean(), -log_sigmoid(FAKE - REAL).mean()),
    ],
)
def test_objectives_by_hand(name, discriminator, generator):
    objective = getattr(adversarial, name)
    real, fake = ops.convert_to_tensor(REAL), ops.convert_to_tensor(FAKE)
    np.testing.assert_allclose(as_array(objective.discriminator(real, fake)), discriminator, rtol=1e-6)
    np.testing.assert_allclose(as_array(objective.generator(real, fake)), generator, rtol=1e-6)
    huge = objective.discriminator(-1e4 * ops.ones(3), 1e4 * ops.ones(3)), objective.generator(ops.ones(3), -1e4 * ops.ones(3))
    assert all(np.isfinite(as_array(value)) for value in huge)


P, Q = np.array([1, 2, 5]) / 8, np.array([4, 3, 1]) / 8  # real and generated samples over three points


@pytest.mark.parametrize(
    ("name", "best", "value"),
    [
        ("minimax", np.log(P / Q), -(P * np.log(P / (P + Q)) + Q * np.log(Q / (P + Q))).sum()),  # Goodfellow et al., eq. 2
        ("non_saturating", np.log(P / Q), -(P * np.log(P / (P + Q)) + Q * np.log(Q / (P + Q))).sum()),
        ("least_squares", P / (P + Q), 0.5 * (P * Q / (P + Q)).sum()),  # Mao et al., eq. 5 with a = 0, b = 1
        ("hinge", np.sign(P - Q), 2 * np.minimum(P, Q).sum()),
        ("wasserstein", np.sign(P - Q), -np.abs(P - Q).sum()),  # of critics within -1 and 1
        ("relativistic", np.log(P / Q), None),  # up to a constant
    ],
)
def test_the_best_discriminator_is_known(name, best, value):
    real, fake = np.repeat([0, 1, 1, *5 * [2]], 8), np.tile([*4 * [0], *3 * [1], 2], 8)  # every pair as often as it comes

    def loss(logits):
        logits = np.asarray(logits, "float32")
        return float(
            as_array(getattr(adversarial, name).discriminator(*map(ops.convert_to_tensor, (logits[real], logits[fake]))))
        )

    if value is not None:
        np.testing.assert_allclose(loss(best), value, rtol=1e-5)
    rng = np.random.default_rng(0)
    for size in (0.1, 1.0):  # losses are convex in the logits: what is best nearby is best
        for _ in range(10):
            other = best + size * rng.normal(size=3)
            other = np.clip(other, -1, 1) if name == "wasserstein" else other
            if name == "relativistic":
                other += (best - other).mean()
            assert loss(other) > loss(best) or (other == best).all()


def test_penalties_of_a_linear_critic():
    w = np.array([3.0, 4.0], "float32")

    def critic(x):
        return ops.sum(ops.multiply(x, w), axis=-1, keepdims=True)

    real, fake = uniform(0, 6, 2), uniform(1, 6, 2)
    seed = keras.random.SeedGenerator(0)
    np.testing.assert_allclose(as_array(penalties.gradient_penalty(critic, real, fake, seed=seed)), 16, rtol=1e-5)
    np.testing.assert_allclose(as_array(penalties.gradient_penalty(critic, real, fake, seed=seed, target=5.0)), 0, atol=1e-9)
    np.testing.assert_allclose(as_array(penalties.r1(critic, real)), 12.5, rtol=1e-6)
    np.testing.assert_allclose(as_array(penalties.r2(critic, fake)), 12.5, rtol=1e-6)
    np.testing.assert_allclose(as_array(penalties.drift(ops.convert_to_tensor([1.0, 3.0]))), 5)


def test_interpolation_is_uniform_and_per_sample():
    seen = []

    def critic(x):
        seen.append(as_array(ops.stop_gradient(x)) if not seen else None)
        return ops.sum(ops.square(x), axis=(1, 2))

    real, fake = np.ones((4000, 2, 1), "float32"), np.zeros((4000, 2, 1), "float32")
    penalties.gradient_penalty(
        critic, ops.convert_to_tensor(real), ops.convert_to_tensor(fake), seed=keras.random.SeedGenerator(0)
    )
    from scipy import stats

    np.testing.assert_array_equal(seen[0][:, 0], seen[0][:, 1])
    assert stats.kstest(seen[0][:, 0, 0], "uniform").pvalue > 0.01


def test_penalties_have_gradients_and_none_is_nan_at_zero():
    w = keras.Variable([[1.0], [2.0]])
    x = uniform(0, 5, 2)

    def critic(x):
        return ops.square(ops.matmul(x, w))

    def loss():
        return penalties.r1(critic, ops.convert_to_tensor(x)), ()

    (value, _), (gradient,) = engine.value_and_grad(loss, [w])()
    weights = np.array([1.0, 2.0])

    def formula(weights):  # gradient of (x w)^2 is 2 (x w) w
        return 0.5 * np.mean((2 * (x @ weights)) ** 2) * (weights**2).sum()

    np.testing.assert_allclose(as_array(value), formula(weights), rtol=1e-5)
    numeric = [(formula(weights + step) - formula(weights - step)) / 2e-5 for step in 1e-5 * np.eye(2)]
    np.testing.assert_allclose(as_array(gradient)[:, 0], numeric, rtol=1e-4)

    seed = keras.random.SeedGenerator(0)

    def flat():
        zeros = ops.convert_to_tensor(np.zeros((3, 2), "float32"))
        return penalties.gradient_penalty(critic, zeros, zeros, seed=seed), ()

    (value, _), (gradient,) = engine.value_and_grad(flat, [w])()
    assert as_array(value) == 1
    np.testing.assert_array_equal(as_array(gradient), 0)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="programs are for TensorFlow and JAX")
def test_a_penalty_inside_a_compiled_scan():
    w, x = keras.Variable([[1.0], [2.0]]), uniform(0, 5, 2)

    def critic(x):
        return ops.square(ops.matmul(x, w))

    gradient = engine.value_and_grad(lambda x: (penalties.r1(critic, x), ()), [w])

    def step(_):
        (value, _), (slope,) = gradient(ops.convert_to_tensor(x))
        w.assign_sub(0.01 * slope)
        return value

    values = as_array(engine.compile(lambda: engine.scan(step, [w], length=4), [w])())
    assert (np.diff(values) < 0).all()


def test_path_length_of_a_linear_generator():
    matrix = uniform(0, 3, 4 * 4 * 2)

    def generator(z):
        return ops.reshape(ops.matmul(z, matrix), (-1, 4, 4, 2))

    z = ops.convert_to_tensor(uniform(1, 2000, 3))
    penalty, average = penalties.path_length(generator, z, 0.0, seed=keras.random.SeedGenerator(0), decay=0.0)
    noise = np.random.default_rng(0).normal(size=(200_000, 32)) / 4
    lengths = np.linalg.norm(noise @ matrix.T, axis=1)
    np.testing.assert_allclose(as_array(average), lengths.mean(), rtol=0.03)
    np.testing.assert_allclose(as_array(penalty), lengths.var(), rtol=0.15)


def test_the_average_path_length_is_no_function_of_the_generator():
    """With lengths w |n|, the penalty's gradient in w leaves the new average alone."""
    w, seed, latents = keras.Variable(3.0), keras.random.SeedGenerator(0), ops.convert_to_tensor(uniform(1, 8, 2, 2, 1))

    def penalty():
        return penalties.path_length(lambda z: w * z, latents, 1.0, seed=seed, decay=0.5)

    (value, average), (gradient,) = engine.value_and_grad(penalty, [w])()
    mean = (float(average) - 0.5) / 0.5  # average = 0.5 * 1 + 0.5 mean(lengths)
    square = float(value) + 2 * float(average) * mean - float(average) ** 2  # mean(lengths^2)
    np.testing.assert_allclose(float(gradient), 2 * (square - float(average) * mean) / 3.0, rtol=1e-4)


def test_real_and_fake_of_two_shapes():
    with raises(r"fake: expected the shape of real, \(2, 3\), received \(2, 4\)"):
        penalties.gradient_penalty(lambda x: x, uniform(0, 2, 3), uniform(0, 2, 4), seed=None)
