"""How well a generator covers a mixture of Gaussians."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from lab.data.mixtures import GaussianMixture


class ModeCoverage(NamedTuple):
    """How samples are spread over the modes of a mixture.

    Every sample counts for its nearest mode. A sample within three standard deviations of it has
    high quality.
    """

    modes: int  # number of modes with at least one sample of high quality
    high_quality: float  # share of samples of high quality
    reverse_kl: float  # KL(shares of samples over modes, the mixture's weights), nats


def mode_coverage(samples: ArrayLike, mixture: GaussianMixture, *, standard_deviations: float = 3.0) -> ModeCoverage:
    """PacGAN's measures of samples.

    Of samples of the mixture itself, in two dimensions, a share of 1 - exp(-9/2) = 0.989 has high
    quality.

    Source: Lin et al. 2018, section 4.1; Srivastava et al. 2017, section 4.1.

    Args:
        samples: `[N, D]`.
        mixture: a `lab.data.GaussianMixture`.
        standard_deviations: how far from a mode high quality goes.
    """
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 2 or samples.shape[1] != mixture.means.shape[1] or not len(samples):
        raise ValueError(f"samples: expected shape [N, {mixture.means.shape[1]}], received {list(samples.shape)}.")
    distance, nearest = cKDTree(mixture.means).query(samples)
    good = distance <= standard_deviations * mixture.standard_deviation
    share = np.bincount(nearest, minlength=len(mixture.means)) / len(samples)
    return ModeCoverage(len(np.unique(nearest[good])), float(good.mean()), reverse_kl(share, mixture.weights))


def reverse_kl(share: np.ndarray, reference: np.ndarray) -> float:
    """KL(share, reference) = sum share log(share / reference), nats.

    Infinite where the reference is 0 and the share is not.
    """
    from scipy.special import rel_entr

    return float(rel_entr(share, reference).sum())
