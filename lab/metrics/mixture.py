"""What a generator covers of a mixture of Gaussians."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree


class ModeCoverage(NamedTuple):
    """How samples lie over the modes of a mixture."""

    modes: int  # modes with at least one sample of high quality
    high_quality: float  # share of samples within three deviations of their nearest mode
    reverse_kl: float  # KL(samples over modes, the mixture's weights), nats; every sample counts for its nearest mode


def mode_coverage(samples, mixture, *, deviations=3.0):
    """PacGAN's measures of `[N, D]` samples (Lin et al. 2018, section 4.1; Srivastava et al. 2017, section 4.1).

    Of samples of the mixture itself in two dimensions a share of 1 - exp(-9/2) = 0.989 is of high quality.

    Args:
        mixture: a `lab.data.GaussianMixture`.
        deviations: how far from a mode high quality goes.
    """
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 2 or samples.shape[1] != mixture.means.shape[1] or not len(samples):
        raise ValueError(f"samples: expected shape [N, {mixture.means.shape[1]}], received {list(samples.shape)}.")
    distance, nearest = cKDTree(mixture.means).query(samples)
    good = distance <= deviations * mixture.deviation
    share = np.bincount(nearest, minlength=len(mixture.means)) / len(samples)
    return ModeCoverage(len(np.unique(nearest[good])), float(good.mean()), reverse_kl(share, mixture.weights))


def reverse_kl(share, reference):
    """KL(share, reference) = sum share log(share / reference), in nats; infinite where the reference has none."""
    from scipy.special import rel_entr

    return float(rel_entr(share, reference).sum())
