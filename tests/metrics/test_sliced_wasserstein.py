"""Distances of textures by hand and by what they must not see."""

import numpy as np
import pytest
from scipy import stats

from lab.metrics import laplacian_pyramid, sliced_wasserstein, spectrum_distance
from tests.contracts import raises, uniform

ONE, OTHER = uniform(0, 32, 32, 2), uniform(1, 40, 32, 2)


def test_a_pyramid_by_hand():
    line = np.zeros((9, 9, 1))
    line[4, 4] = 256
    fine, coarse = laplacian_pyramid(line, 2)
    assert coarse.shape == (5, 5, 1)
    np.testing.assert_allclose(coarse[1:4, 1:4, 0], [[1, 6, 1], [6, 36, 6], [1, 6, 1]])  # 6 6, 6 1, 1 1 of 16 16
    np.testing.assert_allclose(fine[4, 4], 256 - 36)
    flat = laplacian_pyramid(np.full((8, 8, 3), 0.7), 3)
    np.testing.assert_allclose(flat[0], 0, atol=1e-12)
    np.testing.assert_allclose(flat[2], 0.7)


def test_a_distance_of_one_level_by_hand():
    # A patch of one pixel of one channel has the directions +1 and -1: one dimension, as SciPy's.
    one, other = ONE[..., :1], OTHER[..., :1]
    found = sliced_wasserstein(one, other, levels=1, patch=1, directions=3)
    expected = stats.wasserstein_distance(one.ravel(), other.ravel()) / other.std()
    np.testing.assert_allclose(found, expected, rtol=0.1)  # of 512 quantiles
    assert sliced_wasserstein(one + 0.5, one, levels=1, patch=1) == pytest.approx(0.5 / one.std(), rel=1e-4)


def test_what_a_distance_sees():
    assert sliced_wasserstein(ONE, ONE) == 0 and spectrum_distance(ONE, ONE) == 0
    moved = np.roll(ONE, (5, 7), (0, 1))  # the same texture elsewhere
    near, far = (sliced_wasserstein(each, ONE, levels=2) for each in (moved, 0.5 * ONE))
    assert near < 0.5 * far
    assert spectrum_distance(moved, ONE) == pytest.approx(0, abs=1e-6)
    assert sliced_wasserstein(ONE, OTHER, seed=1) != sliced_wasserstein(ONE, OTHER)


def test_spectra_by_hand():
    x = np.arange(32) / 32
    wave = np.sin(2 * np.pi * 5 * x)[:, None, None] * np.ones((1, 32, 1))
    assert spectrum_distance(wave, 10 * wave) == pytest.approx(20 / 16, rel=0.05)  # one of 16 rings, by 20 decibels
    assert spectrum_distance(ONE, 10 * ONE) == pytest.approx(20, rel=1e-6)


def test_bad_input():
    with raises(r"other: expected \[H, W, 2\], H and W >= 28, received \[20, 32, 2\]"):
        sliced_wasserstein(ONE, OTHER[:20])
    with raises(r"one: expected two pictures \[H, W, C\] of one size, received \(32, 32, 2\) and \(40, 32, 2\)"):
        spectrum_distance(ONE, OTHER)
