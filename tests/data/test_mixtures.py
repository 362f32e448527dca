"""Mixtures: their densities, their places, their samples."""

import numpy as np
from scipy import stats

from lab.data import GaussianMixture, grid, ring, spiral
from tests.contracts import raises


def test_density():
    mixture = GaussianMixture([[0.0, 1.0], [2.0, -1.0]], 0.5, weights=[3, 1])
    x = np.random.default_rng(0).normal(size=(20, 2))
    parts = [stats.multivariate_normal(mean, 0.25 * np.eye(2)).pdf(x) for mean in mixture.means]
    np.testing.assert_allclose(mixture.log_density(x), np.log(0.75 * parts[0] + 0.25 * parts[1]))


def test_samples():
    mixture = GaussianMixture([[0.0, 1.0], [2.0, -1.0]], 0.1, weights=[3, 1])
    x = mixture.sample(40_000, np.random.default_rng(0))
    assert x.dtype == np.float32 and x.shape == (40_000, 2)
    first = np.abs(x - [0, 1]).max(1) < 1
    np.testing.assert_allclose(first.mean(), 0.75, atol=0.01)
    np.testing.assert_allclose(x[first].std(0), 0.1, rtol=0.02)
    np.testing.assert_allclose(x[first].mean(0), [0, 1], atol=0.005)
    np.testing.assert_array_equal(x, mixture.sample(40_000, np.random.default_rng(0)))
    assert (x != mixture.sample(40_000, np.random.default_rng(1))).any()


def test_places():
    np.testing.assert_allclose(np.linalg.norm(ring().means, axis=1), 1)
    np.testing.assert_allclose(ring().means[2], [0, 1], atol=1e-12)
    assert ring().standard_deviation == 0.01 and grid().standard_deviation == 0.05
    assert {tuple(mean) for mean in grid().means} == {(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    means = spiral(modes=30).means
    radii = np.linalg.norm(means, axis=1)
    assert (np.diff(radii) > 0).all() and abs(radii[-1] - 2) < 1e-6
    steps = np.linalg.norm(np.diff(means, axis=0), axis=1)
    assert steps.std() / steps.mean() < 0.05


def test_bad_mixtures():
    with raises(r"means: expected a finite array of shape \[K, D\]"):
        GaussianMixture([1.0, 2.0], 1.0)
    with raises("standard_deviation: expected a number > 0, received 0"):
        GaussianMixture([[1.0]], 0)
    with raises("weights: expected 1 numbers >= 0, not all 0"):
        GaussianMixture([[1.0]], 1.0, weights=[0.0])
