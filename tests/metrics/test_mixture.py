"""Modes covered, high quality and reverse KL, by hand."""

import numpy as np

from lab.data import GaussianMixture, grid, ring
from lab.metrics import mode_coverage, reverse_kl
from tests.contracts import raises


def test_by_hand():
    mixture = GaussianMixture([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], 1.0, weights=[1, 1, 2])
    samples = [[0, 2.9], [0.1, 0], [12.9, 0], [13.1, 0], [3.1, 0], [0, 14]]  # good, good, good, too far, too far, too far
    found = mode_coverage(samples, mixture)
    assert found.modes == 2
    assert found.high_quality == 3 / 6
    share = np.array([3, 2, 1]) / 6
    np.testing.assert_allclose(found.reverse_kl, np.sum(share * np.log(share / [0.25, 0.25, 0.5])))


def test_the_mixtures_own_samples():
    for mixture, modes in ((ring(), 8), (grid(), 25)):
        found = mode_coverage(mixture.sample(100_000, np.random.default_rng(0)), mixture)
        assert found.modes == modes
        np.testing.assert_allclose(found.high_quality, 1 - np.exp(-4.5), atol=2e-3)
        assert 0 <= found.reverse_kl < 1e-3


def test_edges():
    assert reverse_kl(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == np.inf
    assert reverse_kl(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == np.log(2)
    with raises(r"samples: expected shape \[N, 2\], received \[4, 3\]"):
        mode_coverage(np.zeros((4, 3)), ring())
