"""Distributions at their edges: probabilities of 0 and 1, impossible values, and gradients."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from lab import distributions as d
from lab import engine
from tests.contracts import as_array


def test_probabilities_of_zero_and_one():
    for ours in (d.Bernoulli(probs=np.array([0.0, 1.0], "float32")), d.Bernoulli(np.array([-np.inf, np.inf], "float32"))):
        np.testing.assert_array_equal(as_array(ours.log_prob(np.array([0, 1]))), [0, 0])
        np.testing.assert_array_equal(as_array(ours.log_prob(np.array([1, 0]))), [-np.inf, -np.inf])
        np.testing.assert_array_equal(as_array(ours.entropy()), [0, 0])
        np.testing.assert_array_equal(as_array(ours.variance()), [0, 0])
        np.testing.assert_array_equal(as_array(ours.kl_divergence(ours)), [0, 0])
    certain = d.Binomial(3, probs=np.float32(1.0))
    assert as_array(certain.log_prob(np.array(3))) == 0
    np.testing.assert_allclose(as_array(certain.entropy()), 0, atol=1e-7)


DISCRETE = {
    "Bernoulli": lambda p: d.Bernoulli(probs=p),
    "Binomial": lambda p: d.Binomial(1, probs=p),
    "Categorical": lambda p: d.Categorical(probs=ops.stack([1.0 - p, p], axis=-1)),
    "MultiCategorical": lambda p: d.MultiCategorical(ops.log(ops.stack([1.0 - p, p], axis=-1)), [2]),
}


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("dtype", ["int32", "int8", "float32", "float16"])
def test_values_outside_the_support_are_impossible(name, dtype):
    ours = DISCRETE[name](ops.convert_to_tensor(0.25, "float32"))
    values = np.array([-3, -1, 0, 1, 2, 100] + ([0.5, np.inf, -np.inf] if "float" in dtype else []), dtype)
    expected = np.full(len(values), -np.inf)
    expected[2:4] = np.log([0.75, 0.25])
    values = values[:, None] if name == "MultiCategorical" else values
    np.testing.assert_allclose(as_array(ours.log_prob(ops.convert_to_tensor(values))), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_edges_of_a_squashed_normal_count_as_the_nearest_number_inside(dtype):
    digits = {"float16": 11, "bfloat16": 8, "float32": 24}[dtype]
    x = np.arctanh(1 - 0.5**digits)
    expected = stats.norm(0.3, 1.0).logpdf([x, -x]) + 2 * np.log(np.cosh(x))
    loc = ops.convert_to_tensor(0.3, dtype)
    found, gradients = [], []
    for y in (1.0, -1.0):

        def loss(loc):
            log_prob = d.TanhNormal(loc, 1.0).log_prob(ops.convert_to_tensor(y, dtype))  # noqa: B023
            return log_prob, ()

        (log_prob, _), gradient = engine.value_and_grad(loss)(loc)
        found.append(float(as_array(ops.cast(log_prob, "float32"))))
        gradients.append(float(as_array(ops.cast(gradient, "float32"))))
    rough = {"float16": 2e-2, "bfloat16": 2e-1, "float32": 1e-5}[dtype]
    np.testing.assert_allclose(found, expected, rtol=rough, atol=rough)
    np.testing.assert_allclose(gradients, [x - 0.3, -x - 0.3], rtol=rough)  # of -(x - loc)^2 / 2
    beyond = d.TanhNormal(loc, 1.0).log_prob(ops.convert_to_tensor([1.5, -2.0, np.nan], dtype))
    np.testing.assert_array_equal(as_array(ops.cast(beyond, "float32")), [-np.inf, -np.inf, np.nan])


def test_a_uniform_sample_that_rounding_makes_the_upper_end_is_possible():
    ours = d.Uniform(ops.convert_to_tensor(100.0, "float16"), ops.convert_to_tensor(101.0, "float16"))
    sample = as_array(ours.sample(keras.random.SeedGenerator(0), (200,)))
    assert sample.max() == 101
    assert np.isfinite(as_array(ours.log_prob(sample))).all()


EMPTY = np.zeros((0, 3), "float32")


@pytest.mark.parametrize(
    "make",
    [
        lambda: d.Bernoulli(EMPTY),
        lambda: d.Binomial(3, EMPTY),
        lambda: d.Categorical(EMPTY),
        lambda: d.Categorical(probs=EMPTY),
        lambda: d.MultiCategorical(EMPTY, [1, 2]),
        lambda: d.Normal(EMPTY, 1.0),
        lambda: d.DiagonalNormal(EMPTY, 1.0),
        lambda: d.TanhNormal(EMPTY, 1.0),
        lambda: d.Uniform(EMPTY, EMPTY + 1.0),
    ],
)
def test_an_empty_batch(make):
    ours = make()
    for measure in (
        ours.mean(),
        ours.standard_deviation(),
        ours.entropy(),
        ours.log_prob(ours.sample(0)),
        ours.kl_divergence(ours),
    ):
        assert measure.shape[0] == 0
    assert tuple(ours.sample(0, (5,)).shape) == (5, *ours.mean().shape)
    assert not hasattr(ours, "mode") or ours.mode().shape[0] == 0


def gradient_at(measure, parameters):
    """The gradient of a measure's sum, as an array."""
    gradient = engine.value_and_grad(lambda x: (ops.sum(measure(x)), ()))(ops.convert_to_tensor(parameters))[1]
    return as_array(gradient)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (lambda x: x.log_prob(1), [-1, 3, -1]),  # 1/p_1 at 1, less 1 / sum p everywhere
        (lambda x: x.log_prob(0), [0, 0, 0]),  # impossible: no gradient
        (lambda x: x.prob(1), [-0.25, 0.75, -0.25]),
        (lambda x: x.mean(), [-1.75, -0.75, 0.25]),  # k - mean
        (lambda x: x.variance(), [2.875, 0.375, -0.125]),  # (k - mean)^2 - variance
    ],
)
def test_gradients_of_a_categorical_with_a_probability_of_zero(measure, expected):
    found = gradient_at(lambda p: measure(d.Categorical(probs=p)), np.array([0.0, 0.25, 0.75], "float32"))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", [d.Bernoulli, lambda **options: d.Binomial(2, **options)], ids=["Bernoulli", "Binomial"])
@pytest.mark.parametrize("name", ["log_prob", "prob", "mean", "variance", "standard_deviation", "entropy", "kl_divergence"])
def test_gradients_at_probabilities_of_zero_and_one_are_finite(kind, name):
    other = kind(probs=np.array([0.5, 0.5], "float32"))
    given = {"log_prob": (np.array([[0], [1], [2]]),), "prob": (np.array([[0], [1], [2]]),), "kl_divergence": (other,)}

    def measure(ours):
        value = getattr(ours, name)(*given.get(name, ()))
        return ops.where(ops.equal(value, -np.inf), 0.0, value)

    ends = {"probs": [0.0, 1.0], "logits": [-np.inf, np.inf]}
    for argument, values in ends.items():
        found = gradient_at(lambda x: measure(kind(**{argument: x})), np.array(values, "float32"))  # noqa: B023
        assert np.isfinite(found).all(), (argument, found)


def test_gradients_of_certain_trials():
    p = np.array([0.0, 1.0], "float32")
    np.testing.assert_allclose(gradient_at(lambda p: d.Bernoulli(probs=p).log_prob(np.array([0, 1])), p), [-1, 1])
    np.testing.assert_allclose(gradient_at(lambda p: d.Bernoulli(probs=p).variance(), p), [1, -1])
    np.testing.assert_allclose(gradient_at(lambda p: d.Binomial(3, probs=p).variance(), p), [3, -3])


def test_rare_events_are_as_rare_in_half_precision():
    rare = ops.convert_to_tensor([1e-4], "float16")
    assert as_array(d.Bernoulli(probs=rare).sample(keras.random.SeedGenerator(0), (100_000,))).sum() < 30  # 10 on average
    impossible = d.Categorical(ops.convert_to_tensor([-np.inf, 0.0], "float16"))
    assert as_array(impossible.sample(keras.random.SeedGenerator(0), (20_000,))).all()


def test_samples_are_reparameterised():
    def loss(loc):
        return ops.sum(d.TanhNormal(loc, 0.5).sample(7, (100,))), ()

    _, gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(0.3))
    step = 1e-2
    numeric = (float(loss(ops.convert_to_tensor(0.3 + step))[0]) - float(loss(ops.convert_to_tensor(0.3 - step))[0])) / (
        2 * step
    )
    np.testing.assert_allclose(float(gradient), numeric, rtol=1e-2)
