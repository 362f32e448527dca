"""Mixtures of Gaussians: data sets on which the modes of a generator can be counted."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from lab import validation


class GaussianMixture:
    """A mixture of Gaussians over vectors of D numbers.

        p(x) = sum_k w_k N(x; mu_k, sigma² I)

    Args:
        means: mu, `[K, D]`.
        standard_deviation: sigma of every mode, > 0.
        weights: w, `[K]`, >= 0. They are divided by their sum. None makes them equal.
    """

    def __init__(self, means: ArrayLike, standard_deviation: float, weights: ArrayLike | None = None) -> None:
        self.means: np.ndarray = np.asarray(means, np.float64)
        if self.means.ndim != 2 or not len(self.means) or not np.isfinite(self.means).all():
            raise ValueError(f"means: expected a finite array of shape [K, D], received {means!r}.")
        self.standard_deviation = validation.POSITIVE.check("standard_deviation", standard_deviation)
        weights = np.ones(len(self.means)) if weights is None else np.asarray(weights, np.float64)
        if weights.shape != (len(self.means),) or not (weights >= 0).all() or not weights.sum() > 0:
            raise ValueError(f"weights: expected {len(self.means)} numbers >= 0, not all 0, received {weights!r}.")
        self.weights = weights / weights.sum()

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` samples, float32 `[count, D]`, drawn by a NumPy generator."""
        modes = generator.choice(len(self.means), size=count, p=self.weights)
        noise = generator.normal(scale=self.standard_deviation, size=(count, self.means.shape[1]))
        return (self.means[modes] + noise).astype(np.float32)

    def variance(self) -> float:
        """The variance of a coordinate, a mean over the D coordinates."""
        spread = self.weights @ np.square(self.means - self.weights @ self.means)
        return float(spread.mean() + self.standard_deviation**2)

    def log_density(self, x: ArrayLike) -> np.ndarray:
        """log p(x), `[N]`, of samples `[N, D]`."""
        squares = np.square(np.asarray(x, np.float64)[:, None] - self.means).sum(-1) / self.standard_deviation**2  # [N, K]
        constant = self.means.shape[1] * np.log(self.standard_deviation * np.sqrt(2 * np.pi))
        return special.logsumexp(-0.5 * squares - constant, b=self.weights, axis=1)


def ring(modes: int = 8, radius: float = 1.0, standard_deviation: float = 0.01) -> GaussianMixture:
    """Modes at equal angles on a circle.

    The defaults are PacGAN's (Lin et al. 2018, section 4.1).
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return GaussianMixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), standard_deviation)


def grid(side: int = 5, spacing: float = 2.0, standard_deviation: float = 0.05) -> GaussianMixture:
    """side x side modes on a square around 0.

    The defaults are PacGAN's (Lin et al. 2018, section 4.1).
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return GaussianMixture(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), standard_deviation)


def spiral(modes: int = 20, turns: float = 1.5, radius: float = 2.0, standard_deviation: float = 0.05) -> GaussianMixture:
    """Modes at equal distances along the spiral of Archimedes.

    r = radius t,   angle = 2 pi turns t,   t in (0, 1]
    """
    t = np.linspace(0.0, 1.0, 10_001)
    curve = radius * t[:, None] * np.stack([np.cos(2 * np.pi * turns * t), np.sin(2 * np.pi * turns * t)], axis=1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    places = length[-1] * (np.arange(modes) + 1) / modes
    return GaussianMixture(np.stack([np.interp(places, length, axis) for axis in curve.T], axis=1), standard_deviation)
