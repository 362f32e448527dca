"""Distances between real and generated samples in the features of a network, NumPy arrays `[N, D]`.

Which network it is belongs to the number: `lab.models.trained_glyph_classifier` has ours. The Fréchet distance is called FID in Inception's features alone.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.spatial.distance import cdist

from lab import validation


def frechet_distance(real, fake):
    """|m - m'|² + tr(C + C' - 2 (C C')^(1/2)) of means m and covariances C (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    It is biased upwards by about the inverse of the number of samples: compare like numbers of samples, and real against real.
    """
    real, fake = _features(real, fake)
    distance = np.square(real.mean(0) - fake.mean(0)).sum()
    # tr (C C')^(1/2) is the sum of the singular values of A A'^T, A the centred features over sqrt(n - 1), C = A^T A
    root, other = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (real, fake))
    left, right = linalg.qr(root, mode="r")[0], linalg.qr(other, mode="r")[0]
    overlap = linalg.svdvals(left[: real.shape[1]] @ right[: real.shape[1]].T).sum()
    return float(distance + np.square(root).sum() + np.square(other).sum() - 2 * overlap)


class KernelDistance(NamedTuple):
    """An unbiased estimate and its error."""

    value: float
    standard_error: float


def kernel_distance(real, fake, *, block=2_000):
    """The squared maximum mean discrepancy with the kernel (x·y/D + 1)³, unbiased (Binkowski et al. 2018, section 4; Gretton et al. 2012, eq. 3).

    The error is the jackknife's, each sample of either side left out in turn: of real and generated samples drawn anew (where both have one
    distribution, up to 1.4 times too large). Binkowski et al. average subsets of 1,000 samples, which estimates the same with more noise.

    Args:
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
    """Shares in 0..1; density may be above 1."""

    precision: float  # share of fakes within a real sample's ball
    recall: float  # share of reals within a fake sample's ball
    density: float  # real balls that a fake lies in, over k
    coverage: float  # share of real balls with a fake in them


def precision_recall(real, fake, *, k=3, k_density=5, block=2_000):
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 1-2), density and coverage (Naeem et al. 2020, eq. 3-4).

    A ball reaches from its sample to its k-th nearest neighbour of the same kind, itself not counted.

    Args:
        k: of precision and recall; of fewer samples than k + 1, all others.
        k_density: of density and coverage, likewise.
        block: rows of distances in memory at once.
    """
    real, fake = _features(real, fake)
    most = min(len(real), len(fake)) - 1
    k, k_density = min(validation.integer("k", k), most), min(validation.integer("k_density", k_density), most)
    real_near, fake_near = _neighbours(real, max(k, k_density), block), _neighbours(fake, k, block)
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


def classifier_score(logits):
    """exp E KL(p(y|x), p(y)) of a classifier's logits `[N, K]`, from 1 to K (Salimans et al. 2016, section 4: with Inception, its score)."""
    from scipy.special import log_softmax, logsumexp

    log_p = log_softmax(np.asarray(logits, np.float64), axis=1)
    marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    return float(np.exp((np.exp(log_p) * (log_p - marginal)).sum(1).mean()))


class Nearest(NamedTuple):
    """The training sample nearest to each generated one."""

    indices: np.ndarray  # [N] into the training set
    distances: np.ndarray  # [N]


def nearest_in_training(training, fake, *, block=2_000):
    """Where each generated sample's nearest training sample is, to see what is learnt by heart; any arrays `[N, ...]`.

    Args:
        block: training samples in memory at once, as numbers.
    """
    fake = np.asarray(fake, np.float64).reshape(len(fake), -1)
    nearest, indices = np.full(len(fake), np.inf), np.zeros(len(fake), int)
    for start in range(0, len(training), block):
        part = np.asarray(training[start : start + block], np.float64).reshape(-1, fake.shape[1])
        distances = np.square(part).sum(1) - 2 * fake @ part.T  # |a - b|² but for |a|², the same for every b
        found = distances.argmin(1)
        distances = distances[np.arange(len(fake)), found]
        indices = np.where(distances < nearest, start + found, indices)
        nearest = np.minimum(distances, nearest)
    pairs = (np.asarray(training[i], np.float64).ravel() - sample for i, sample in zip(indices, fake))
    return Nearest(indices, np.array([np.linalg.norm(pair) for pair in pairs]))


def _features(real, fake):
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
    """Of each row of `a` the sum of its kernel values with all rows of `b`, `[N]`."""
    return np.concatenate([_cubic(a[start : start + block], b).sum(1) for start in range(0, len(a), block)])


def _neighbours(x, k, block):
    """Distances to the k nearest others, `[N, k]`, rising."""
    parts = []
    for start in range(0, len(x), block):
        distance = cdist(x[start : start + block], x)
        np.put_along_axis(distance, np.arange(start, start + len(distance))[:, None], np.inf, axis=1)
        parts.append(np.sort(np.partition(distance, k - 1, axis=1)[:, :k], axis=1))
    return np.concatenate(parts)
