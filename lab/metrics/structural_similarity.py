"""Structural similarity of two pictures."""

import numpy as np
from numpy.typing import ArrayLike

from lab.data.conventions import as_floats

RADIUS = 5  # pixels: the window has 11 x 11
SIGMA = 1.5  # pixels, of the Gaussian weights of the window
STABLE = (0.01, 0.03)  # K1 and K2


def structural_similarity(images: ArrayLike, targets: ArrayLike) -> np.ndarray:
    """How alike pictures are in brightness, contrast and structure, `[N]`; 1 if they are equal.

        (2 m1 m2 + c1) (2 s12 + c2) / ((m1² + m2² + c1) (s1² + s2² + c2))

    m, s² and s12 are means, variances and the covariance within a window of 11 x 11 pixels with
    Gaussian weights, of pixels from 0 (black) to L (white). The result is the mean over all windows
    inside the picture and over channels. c1 = (0.01 L)² and c2 = (0.03 L)².

    Source: Wang et al. 2004, eq. 13.

    Args:
        images, targets: uint8 or from -1 to 1, `[N, H, W, C]`, H and W >= 11.
    """
    from scipy.ndimage import gaussian_filter

    x, y = (as_floats(np.asarray(pictures)).astype("float64") + 1 for pictures in (images, targets))
    if x.ndim != 4 or x.shape != y.shape or min(x.shape[1:3]) <= 2 * RADIUS:
        least = 2 * RADIUS + 1
        raise ValueError(f"images: expected two arrays [N, H, W, C], H and W >= {least}, received {x.shape} and {y.shape}.")

    def mean(z):
        smooth = gaussian_filter(z, SIGMA, radius=RADIUS, axes=(1, 2))
        return smooth[:, RADIUS:-RADIUS, RADIUS:-RADIUS]

    c1, c2 = ((k * 2) ** 2 for k in STABLE)
    m1, m2 = mean(x), mean(y)
    s1, s2, s12 = mean(x * x) - m1**2, mean(y * y) - m2**2, mean(x * y) - m1 * m2
    quality = (2 * m1 * m2 + c1) * (2 * s12 + c2) / ((m1**2 + m2**2 + c1) * (s1 + s2 + c2))
    return quality.mean(axis=(1, 2, 3))
