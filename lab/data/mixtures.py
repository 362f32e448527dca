"""Mixtures of Gaussians, the data sets on which a generator's modes can be counted."""

import numpy as np
from scipy import special

from lab import validation


class GaussianMixture:
    """p(x) = sum_k w_k N(x; mu_k, sigma^2 I), over vectors of D numbers.

    Args:
        means: mu, `[K, D]`.
        deviation: sigma, > 0, of every mode.
        weights: w, `[K]`, not negative; made to sum to 1. Equal by default.
    """

    def __init__(self, means, deviation, weights=None):
        self.means = np.asarray(means, np.float64)
        if self.means.ndim != 2 or not len(self.means) or not np.isfinite(self.means).all():
            raise ValueError(f"means: expected a finite array of shape [K, D], received {means!r}.")
        self.deviation = validation.POSITIVE.check("deviation", deviation)
        weights = np.ones(len(self.means)) if weights is None else np.asarray(weights, np.float64)
        if weights.shape != (len(self.means),) or not (weights >= 0).all() or not weights.sum() > 0:
            raise ValueError(f"weights: expected {len(self.means)} numbers >= 0, not all 0, received {weights!r}.")
        self.weights = weights / weights.sum()

    def sample(self, count, generator):
        """`count` samples, float32 `[count, D]`, from a NumPy generator."""
        modes = generator.choice(len(self.means), size=count, p=self.weights)
        noise = generator.normal(scale=self.deviation, size=(count, self.means.shape[1]))
        return (self.means[modes] + noise).astype(np.float32)

    def log_density(self, x):
        """log p(x), `[N]`, of `[N, D]`."""
        squares = np.square(np.asarray(x, np.float64)[:, None] - self.means).sum(-1) / self.deviation**2  # [N, K]
        constant = self.means.shape[1] * np.log(self.deviation * np.sqrt(2 * np.pi))
        return special.logsumexp(-0.5 * squares - constant, b=self.weights, axis=1)


def ring(modes=8, radius=1.0, deviation=0.01):
    """Modes at equal angles on a circle; the defaults are PacGAN's (Lin et al. 2018, section 4.1)."""
    angles = 2 * np.pi * np.arange(modes) / modes
    return GaussianMixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), deviation)


def grid(side=5, spacing=2.0, deviation=0.05):
    """side x side modes on a square around 0; the defaults are PacGAN's (Lin et al. 2018, section 4.1)."""
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return GaussianMixture(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), deviation)


def spiral(modes=20, turns=1.5, radius=2.0, deviation=0.05):
    """Modes at equal distances along the spiral of Archimedes r = radius t, angle = 2 pi turns t, t in (0, 1]."""
    t = np.linspace(0.0, 1.0, 10_001)
    curve = radius * t[:, None] * np.stack([np.cos(2 * np.pi * turns * t), np.sin(2 * np.pi * turns * t)], axis=1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    places = length[-1] * (np.arange(modes) + 1) / modes
    return GaussianMixture(np.stack([np.interp(places, length, axis) for axis in curve.T], axis=1), deviation)
