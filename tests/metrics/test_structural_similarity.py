"""Structural similarity by hand and against scikit-image."""

import numpy as np
import pytest

from lab.metrics import structural_similarity
from tests.contracts import raises, uniform


def test_by_hand():
    x = uniform(0, 2, 16, 16, 1)
    np.testing.assert_allclose(structural_similarity(x, x), [1, 1], rtol=1e-12)
    # Constant pictures differ in brightness alone. From 0 to 2 they are 1.5 and 0.5:
    # (2 a b + c1) / (a² + b² + c1), c1 = 0.0004.
    a, b = np.full((1, 12, 12, 1), 0.5), np.full((1, 12, 12, 1), -0.5)
    np.testing.assert_allclose(structural_similarity(a, b), [(1.5 + 4e-4) / (2.5 + 4e-4)], rtol=1e-9)
    black, white = np.zeros((1, 12, 12, 1), "uint8"), np.full((1, 12, 12, 1), 255, "uint8")
    np.testing.assert_allclose(structural_similarity(black, white), [4e-4 / (4 + 4e-4)], rtol=1e-6)
    noise = uniform(1, 2, 16, 16, 1)
    assert (structural_similarity(x, -x) < structural_similarity(x, noise)).all()  # the opposite is less alike than chance


def test_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    x, y = uniform(2, 3, 20, 15, 3), uniform(3, 3, 20, 15, 3)
    expected = [
        metrics.structural_similarity(
            *pair, data_range=2.0, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for pair in zip(x.astype("float64") + 1, y.astype("float64") + 1)
    ]
    np.testing.assert_allclose(structural_similarity(x, y), expected, rtol=1e-9)


def test_bad_input():
    with raises(r"images: expected two arrays \[N, H, W, C\], H and W >= 11, received \(1, 8, 12, 1\) and \(1, 8, 12, 1\)"):
        structural_similarity(np.zeros((1, 8, 12, 1)), np.zeros((1, 8, 12, 1)))
