"""Distances between real and generated samples in the features of a network.

Features are NumPy arrays `[N, D]`. A number always belongs to its network, for example the one of
`lab.models.trained_glyph_classifier`. The Fréchet distance is called FID in the features of
Inception only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial.distance import cdist

from lab import validation


def frechet_distance(real: ArrayLike, fake: ArrayLike) -> float:
    """The Fréchet distance of two normal distributions with the samples' moments.

        |m - m'|² + tr(C + C' - 2 (C C')^(1/2))

    m are means, C are covariances. The estimate is biased upwards by about the inverse of the
    number of samples. So compare equal numbers of samples, and real samples with real ones.

    Source: Dowson and Landau 1982; Heusel et al. 2017, eq. 6.

    Args:
        real, fake: features `[N, D]`.
    """
    real, fake = _features(real, fake)
    distance = np.square(real.mean(0) - fake.mean(0)).sum()
    # A are the centred features over sqrt(n - 1), so C = A^T A.
    # tr (C C')^(1/2) is the sum of the singular values of A A'^T.
    root, other = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (real, fake))
    left, right = linalg.qr(root, mode="r")[0], linalg.qr(other, mode="r")[0]
    overlap = linalg.svdvals(left[: real.shape[1]] @ right[: real.shape[1]].T).sum()
    return float(distance + np.square(root).sum() + np.square(other).sum() - 2 * overlap)


class KernelDistance(NamedTuple):
    """An unbiased estimate and its standard error."""

    value: float
    standard_error: float


def kernel_distance(real: ArrayLike, fake: ArrayLike, *, block: int = 2_000) -> KernelDistance:
    """The squared maximum mean discrepancy with the kernel (x·y/D + 1)³, an unbiased estimate.

    The error is the jackknife's: each sample of either side is left out in turn. It is that of
    drawing real and generated samples anew. Where both have one distribution, it is up to 1.4
    times too large. Binkowski et al. average over subsets of 1,000 samples instead, which
    estimates the same with more noise.

    Source: Binkowski et al. 2018, section 4; Gretton et al. 2012, eq. 3.

    Args:
        real, fake: features `[N, D]`.
        block: rows of kernel values in memory at once.
    """
    real, fake = _features(real, fake)
    value, variance = 0.0, 0.0
    for one, other in ((real, fake), (fake, real)):
        n, m = len(one), len(other)
        same = _kernel_sums(one, one, block) - _cubic(one, one, paired=True)
        across = _kernel_sums(one, other, block)
        value += same.sum() / (n * (n - 1)) - across.sum() / (n * m)
        left_out = (same.sum() - 2 * same) / ((n - 1) * max(n - 2, 1)) - 2 * (across.sum() - across) / ((n - 1) * m)
        variance += (n - 1) * left_out.var()
    return KernelDistance(float(value), float(np.sqrt(variance)))


class PrecisionRecall(NamedTuple):
    """Shares in 0..1. Density may be above 1."""

    precision: float  # share of fake samples within the ball of a real one
    recall: float  # share of real samples within the ball of a fake one
    density: float  # number of real balls around a fake sample, over k
    coverage: float  # share of real balls with a fake sample in them


def precision_recall(
    real: ArrayLike, fake: ArrayLike, *, k: int = 3, k_density: int = 5, block: int = 2_000
) -> PrecisionRecall:
    """Precision and recall, density and coverage.

    The ball of a sample reaches to its k-th nearest neighbour of the same kind. The sample itself
    does not count.

    Source: Kynkäänniemi et al. 2019, eq. 1-2; Naeem et al. 2020, eq. 3-4.

    Args:
        real, fake: features `[N, D]`.
        k: of precision and recall. Where there are fewer than k + 1 samples, all others count.
        k_density: of density and coverage, likewise.
        block: rows of distances in memory at once.
    """
    real, fake = _features(real, fake)
    most = min(len(real), len(fake)) - 1
    k = min(validation.integer("k", k), most)
    k_density = min(validation.integer("k_density", k_density), most)
    real_near = _neighbours(real, max(k, k_density), block)
    fake_near = _neighbours(fake, k, block)
    radius = real_near[:, k - 1]
    wide = real_near[:, k_density - 1]
    fake_radius = fake_near[:, k - 1]
    precise = 0
    density = 0
    recalled = np.zeros(len(real), bool)
    nearest = np.full(len(real), np.inf)
    for start in range(0, len(fake), block):
        distance = cdist(fake[start : start + block], real)
        precise += (distance <= radius).any(1).sum()
        density += (distance <= wide).sum()
        recalled |= (distance <= fake_radius[start : start + block, None]).any(0)
        nearest = np.minimum(nearest, distance.min(0))
    count = len(fake)
    return PrecisionRecall(
        float(precise / count), float(recalled.mean()), float(density / (k_density * count)), float((nearest <= wide).mean())
    )


def classifier_score(logits: ArrayLike) -> float:
    """The score of generated samples by a classifier, from 1 to K.

        exp E KL(p(y|x), p(y))

    In Inception it is the Inception score (Salimans et al. 2016, section 4).

    Args:
        logits: `[N, K]` of N samples.
    """
    from scipy.special import log_softmax, logsumexp

    log_p = log_softmax(np.asarray(logits, np.float64), axis=1)
    marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    return float(np.exp((np.exp(log_p) * (log_p - marginal)).sum(1).mean()))


class Nearest(NamedTuple):
    """The training sample nearest to each generated one."""

    indices: np.ndarray  # [N] into the training set
    distances: np.ndarray  # [N]


def nearest_in_training(training: np.ndarray, fake: np.ndarray, *, block: int = 2_000) -> Nearest:
    """The training sample nearest to each generated one. It shows what is learnt by heart.

    Args:
        training, fake: features or pixels, `[N, ...]`.
        block: training samples in memory at once, as float64.
    """
    fake = np.asarray(fake, np.float64).reshape(len(fake), -1)
    nearest, indices = np.full(len(fake), np.inf), np.zeros(len(fake), int)
    for start in range(0, len(training), block):
        part = np.asarray(training[start : start + block], np.float64).reshape(-1, fake.shape[1])
        distances = np.square(part).sum(1) - 2 * fake @ part.T  # |a - b|² without |a|²
        found = distances.argmin(1)
        distances = distances[np.arange(len(fake)), found]
        indices = np.where(distances < nearest, start + found, indices)
        nearest = np.minimum(distances, nearest)
    pairs = (np.asarray(training[i], np.float64).ravel() - sample for i, sample in zip(indices, fake))
    return Nearest(indices, np.array([np.linalg.norm(pair) for pair in pairs]))


def _features(real: ArrayLike, fake: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    for name, x in (("real", real), ("fake", fake)):
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != real.shape[1]:
            raise ValueError(f"{name}: expected features [N, D], N >= 2, of one D, received {real.shape} and {fake.shape}.")
        if not np.isfinite(x).all():
            raise ValueError(f"{name}: expected finite features, received some that are not.")
    return real, fake


def _cubic(a, b, *, paired=False):
    return ((np.einsum("nd,nd->n", a, b) if paired else a @ b.T) / a.shape[1] + 1) ** 3


def _kernel_sums(a, b, block):
    """The sum of each row's kernel values with all rows of `b`, `[N]`, for the rows of `a`."""
    return np.concatenate([_cubic(a[start : start + block], b).sum(1) for start in range(0, len(a), block)])


def _neighbours(x, k, block):
    """Distances to the k nearest others, `[N, k]`, in rising order."""
    parts = []
    for start in range(0, len(x), block):
        distance = cdist(x[start : start + block], x)
        np.put_along_axis(distance, np.arange(start, start + len(distance))[:, None], np.inf, axis=1)
        parts.append(np.sort(np.partition(distance, k - 1, axis=1)[:, :k], axis=1))
    return np.concatenate(parts)
