"""Distributions against scipy.stats, and their samples against their CDFs."""

import keras
import numpy as np
import pytest
from scipy import integrate, special, stats

from lab import distributions as d
from tests.contracts import as_array, check_distribution, raises

P = np.array([0.03, 0.4, 0.9], "float32")
LOC, SCALE = np.array([-1.0, 0.3, 2.0], "float32"), np.array([0.2, 1.0, 3.0], "float32")
OTHER_LOC, OTHER_SCALE = np.array([0.5, 0.1, 1.0], "float32"), np.array([1.0, 0.7, 2.0], "float32")
ORACLES = {
    "Bernoulli": (d.Bernoulli(probs=P), stats.bernoulli(P), np.array([[-1.0], [0], [0.5], [1], [2]])),
    "Bernoulli logits": (d.Bernoulli(np.log(P / (1 - P))), stats.bernoulli(P), np.array([[-1], [0], [1], [2]])),
    "Binomial": (d.Binomial(7, probs=P), stats.binom(7, P), np.arange(-2, 11)[:, None]),
    "Normal": (d.Normal(LOC, SCALE), stats.norm(LOC, SCALE), np.linspace(-9, 9, 7)[:, None].astype("float32")),
    "Uniform": (
        d.Uniform(LOC, LOC + SCALE),
        stats.uniform(LOC.astype(float), SCALE.astype(float)),
        np.linspace(-2.03, 4.9, 8)[:, None].astype("float32"),
    ),
}


@pytest.mark.parametrize("name", ORACLES)
def test_contract(name):
    check_distribution(*ORACLES[name])


def test_categorical():
    logits = np.array([[1.0, -2.0, 0.5], [3.0, 3.0, 3.0]], "float32")
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    ours = d.Categorical(logits)
    np.testing.assert_allclose(as_array(ours.log_prob(np.array([2, 0]))), np.log([p[0, 2], p[1, 0]]), rtol=1e-6)
    np.testing.assert_allclose(as_array(ours.entropy()), stats.entropy(p, axis=-1), rtol=1e-6)
    np.testing.assert_allclose(as_array(ours.mean()), p @ np.arange(3), rtol=1e-6)
    np.testing.assert_allclose(as_array(ours.variance()), p @ np.arange(3) ** 2 - (p @ np.arange(3)) ** 2, rtol=1e-5)
    np.testing.assert_array_equal(as_array(ours.mode()), [0, 0])
    other = d.Categorical(probs=np.array([[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]], "float32"))
    expected = stats.entropy(p, [[0.2, 0.3, 0.5], [0.25, 0.25, 0.5]], axis=-1)
    np.testing.assert_allclose(as_array(ours.kl_divergence(other)), expected, rtol=1e-5)
    never = d.Categorical(np.array([0.0, -np.inf, 0.0], "float32"))
    np.testing.assert_allclose(as_array(never.entropy()), np.log(2), rtol=1e-6)
    assert as_array(never.log_prob(1)) == -np.inf
    assert not np.any(as_array(never.sample(keras.random.SeedGenerator(0), (1000,))) == 1)
    np.testing.assert_array_equal(as_array(ours.prob(np.array([3, -1]))), [0, 0])
    huge = d.Categorical(np.array([1e4, -1e4, 0.0], "float32"))
    np.testing.assert_allclose(as_array(huge.log_prob(np.array(1))), -2e4)


def test_a_scale_that_broadcasts_counts_for_every_coordinate():
    loc, scale = np.zeros((2, 3), "float32"), np.array([[1.0], [2.0]], "float32")
    whole = d.DiagonalNormal(loc, np.broadcast_to(scale, (2, 3)))
    part, other = d.DiagonalNormal(loc, scale), d.DiagonalNormal(loc + 1, scale * 2)
    np.testing.assert_array_equal(as_array(part.entropy()), as_array(whole.entropy()))
    np.testing.assert_array_equal(as_array(part.kl_divergence(other)), as_array(whole.kl_divergence(other)))
    assert (
        as_array(d.Normal(LOC, 2.0).variance()).tolist() == as_array(d.Normal(LOC, 2.0).entropy() * 0 + 4).tolist() == [4, 4, 4]
    )


def test_multi_categorical_is_the_product_of_its_parts():
    counts, rng = [2, 3, 1], np.random.default_rng(0)
    logits, other = rng.normal(size=(2, 4, 6)).astype("float32")

    def joint(logits):
        """The probabilities of all combinations, `[4, 2, 3, 1]`, in float64."""
        a, b, c = (special.softmax(part, axis=-1) for part in np.split(logits.astype(float), [2, 5], axis=-1))
        return a[:, :, None, None] * b[:, None, :, None] * c[:, None, None, :]

    p, ours = joint(logits), d.MultiCategorical(logits, counts)
    combinations = np.indices(counts).reshape(3, -1).T  # [6, 3]
    log_prob = as_array(ours.log_prob(np.broadcast_to(combinations[:, None], (6, 4, 3))))
    np.testing.assert_allclose(log_prob.T, np.log(p.reshape(4, -1)), rtol=1e-5)
    np.testing.assert_allclose(as_array(ours.entropy()), stats.entropy(p.reshape(4, -1), axis=-1), rtol=1e-5)
    theirs = stats.entropy(p.reshape(4, -1), joint(other).reshape(4, -1), axis=-1)
    np.testing.assert_allclose(as_array(ours.kl_divergence(d.MultiCategorical(other, counts))), theirs, rtol=1e-5)
    mean = p.reshape(4, -1) @ combinations
    np.testing.assert_allclose(as_array(ours.mean()), mean, rtol=1e-5)
    np.testing.assert_allclose(as_array(ours.variance()), p.reshape(4, -1) @ combinations**2 - mean**2, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(as_array(ours.mode()), combinations[p.reshape(4, -1).argmax(-1)])
    sample = as_array(ours.sample(keras.random.SeedGenerator(0), (20_000,)))
    assert sample.shape == (20_000, 4, 3) and sample.dtype == np.int32
    for row in range(4):
        seen = np.bincount(np.ravel_multi_index(sample[:, row].T, counts), minlength=6)
        assert stats.chisquare(seen, p[row].ravel() * 20_000).pvalue > 0.01


def divergence(p, q, low, high):
    """The integral of p log p/q in float64."""
    return integrate.quad(lambda x: np.exp(p(x)) * (p(x) - q(x)), low, high, limit=200)[0]


def test_divergences_are_the_integrals():
    normal, other = d.Normal(LOC, SCALE), d.Normal(OTHER_LOC, OTHER_SCALE)
    expected = [
        divergence(stats.norm(*a).logpdf, stats.norm(*b).logpdf, a[0] - 9 * a[1], a[0] + 9 * a[1])
        for a, b in zip(zip(LOC, SCALE, strict=True), zip(OTHER_LOC, OTHER_SCALE, strict=True), strict=True)
    ]
    np.testing.assert_allclose(as_array(normal.kl_divergence(other)), expected, rtol=1e-5)
    np.testing.assert_allclose(
        as_array(d.TanhNormal(LOC, SCALE).kl_divergence(d.TanhNormal(OTHER_LOC, OTHER_SCALE))), expected, rtol=1e-5
    )
    whole = d.DiagonalNormal(LOC, SCALE).kl_divergence(d.DiagonalNormal(OTHER_LOC, OTHER_SCALE))
    np.testing.assert_allclose(as_array(whole), sum(expected), rtol=1e-5)
    q = np.array([0.3, 0.5, 0.2], "float32")
    expected = [stats.entropy([p, 1 - p], [r, 1 - r]) for p, r in zip(P, q, strict=True)]
    np.testing.assert_allclose(as_array(d.Bernoulli(probs=P).kl_divergence(d.Bernoulli(probs=q))), expected, rtol=1e-5)
    np.testing.assert_allclose(
        as_array(d.Binomial(5, probs=P).kl_divergence(d.Binomial(5, probs=q))), 5 * np.array(expected), rtol=1e-5
    )
    inside, outside = d.Uniform([0.2], [0.7]), d.Uniform([0.0], [1.0])
    np.testing.assert_allclose(as_array(inside.kl_divergence(outside)), [np.log(2)], rtol=1e-6)
    assert as_array(outside.kl_divergence(inside)) == np.inf
    for each in (normal, d.Bernoulli(probs=P), d.Categorical(probs=P), d.Uniform([0.0], [1.0])):
        np.testing.assert_array_equal(as_array(each.kl_divergence(each)), np.zeros_like(as_array(each.kl_divergence(each))))


def test_diagonal_normal_is_a_multivariate_normal():
    x = np.array([[0.1, 0.2, 0.3], [1.0, -1.0, 4.0]], "float32")
    theirs = stats.multivariate_normal(LOC, np.diag(SCALE.astype(float) ** 2))
    ours = d.DiagonalNormal(LOC, SCALE)
    np.testing.assert_allclose(as_array(ours.log_prob(x)), theirs.logpdf(x), rtol=1e-6)
    np.testing.assert_allclose(as_array(ours.entropy()), theirs.entropy(), rtol=1e-6)


def squashed(loc, scale):
    """(mean, variance, entropy) of tanh of a normal, as integrals in float64."""
    normal = stats.norm(loc, scale)

    def expectation(function):
        return integrate.quad(lambda x: function(x) * normal.pdf(x), loc - 10 * scale, loc + 10 * scale)[0]

    mean = expectation(np.tanh)
    slope = expectation(lambda x: 2 * (np.log(2) - x - np.logaddexp(0, -2 * x)))
    return mean, expectation(lambda x: (np.tanh(x) - mean) ** 2), normal.entropy() + slope


def test_tanh_normal():
    ours = d.TanhNormal(LOC, SCALE)
    y = np.array([-0.9, 0.0, 0.5], "float32")
    expected = stats.norm(LOC, SCALE).logpdf(np.arctanh(y.astype(float))) - np.log1p(-(y.astype(float) ** 2))
    np.testing.assert_allclose(as_array(ours.log_prob(y)), expected, rtol=1e-5)
    expected = np.array([squashed(loc, scale) for loc, scale in zip(LOC.astype(float), SCALE.astype(float), strict=True)])
    for moment, wanted in zip((ours.mean(), ours.variance(), ours.entropy()), expected.T, strict=True):
        np.testing.assert_allclose(as_array(moment), wanted, rtol=2e-6, atol=2e-6)
    edge = np.array([1 - 1e-7, -(1 - 1e-7), 1.0], "float32")
    assert np.isfinite(as_array(ours.log_prob(edge))).all()
    sample, log_prob = ours.sample_and_log_prob(keras.random.SeedGenerator(1), (50,))
    inside = np.abs(as_array(sample)) < 0.99
    np.testing.assert_allclose(as_array(log_prob)[inside], as_array(ours.log_prob(sample))[inside], rtol=1e-3, atol=1e-3)
    assert np.isfinite(as_array(log_prob)).all()


CONTINUOUS = {
    "Normal": (lambda: d.Normal(0.5, 2.0), stats.norm(0.5, 2.0).cdf),
    "Uniform": (lambda: d.Uniform(-1.0, 3.0), stats.uniform(-1, 4).cdf),
    "TanhNormal": (lambda: d.TanhNormal(0.2, 0.7), lambda y: stats.norm(0.2, 0.7).cdf(np.arctanh(y))),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_samples_pass_a_kolmogorov_smirnov_test(name):
    make, cdf = CONTINUOUS[name]
    sample = as_array(make().sample(keras.random.SeedGenerator(3), (20_000,)))
    assert stats.kstest(sample, cdf).pvalue > 0.01
    again = as_array(make().sample(keras.random.SeedGenerator(3), (20_000,)))
    np.testing.assert_array_equal(sample, again)
    assert np.any(sample != as_array(make().sample(keras.random.SeedGenerator(4), (20_000,))))


@pytest.mark.parametrize(
    ("make", "probabilities"),
    [
        (lambda: d.Bernoulli(probs=np.float32(0.3)), [0.7, 0.3]),
        (lambda: d.Binomial(4, probs=np.float32(0.3)), stats.binom(4, 0.3).pmf(range(5))),
        (lambda: d.Categorical(probs=np.array([0.1, 0.2, 0.7], "float32")), [0.1, 0.2, 0.7]),
    ],
)
def test_samples_pass_a_chi_squared_test(make, probabilities):
    sample = as_array(make().sample(keras.random.SeedGenerator(5), (20_000,)))
    assert sample.dtype == np.int32
    counts = np.bincount(sample, minlength=len(probabilities))
    assert stats.chisquare(counts, np.array(probabilities) / np.sum(probabilities) * 20_000).pvalue > 0.01


def test_shapes_of_samples():
    for make, batch in ((lambda: d.Normal(LOC, 1.0), (3,)), (lambda: d.Categorical(np.zeros((2, 5), "float32")), (2,))):
        assert tuple(make().sample(0).shape) == batch
        assert tuple(make().sample(0, (4, 6)).shape) == (4, 6, *batch)
    assert tuple(d.Normal(0.0, SCALE).sample(0).shape) == (3,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: d.Bernoulli(), "expected one of logits and probs, received neither"),
        (lambda: d.Bernoulli(P, probs=P), "received both"),
        (lambda: d.Categorical(np.array([1, 2])), "logits: expected floating-point numbers, received int"),
        (lambda: d.MultiCategorical(np.zeros((2, 4), "float32"), [2, 3]), r"logits: expected 5 on the last axis, for \[2, 3\]"),
        (lambda: d.MultiCategorical(np.zeros((2, 4), "float32"), [4, 0]), "counts: expected an integer >= 1, received 0"),
        (lambda: d.Binomial(0, probs=P), "count: expected an integer >= 1, received 0"),
        (lambda: d.Binomial(2, probs=P).kl_divergence(d.Binomial(3, probs=P)), "expected count 2, received 3"),
        (lambda: d.Normal(0.0, 1.0).kl_divergence(d.Uniform(0.0, 1.0)), "other: expected a Normal, received Uniform"),
    ],
)
def test_bad_arguments(make, words):
    with raises(words):
        make()
