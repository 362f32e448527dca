"""A GAN on a ring of 8 Gaussians: which modes it covers, and how well, at PacGAN's protocol.

Expected: modes >= 8 (a goal, not measured yet; of 8; PacGAN's plain GAN 6.3)
Time: not measured yet
Source: Lin et al. 2018, section 4.1 (players, samples, measures; their networks as in their code); Huang et al. 2024 (R3GAN).
"""

from dataclasses import dataclass
from typing import Annotated

from experiments import _mixture
from lab import experiment
from lab.command import Range


@dataclass(frozen=True)
class Config(_mixture.Mixture):
    """Settings of a GAN on a ring of 8 Gaussians."""

    epochs: Annotated[int, Range(1)] = 48
    """Passes over the samples."""


def run(config, track):
    """Trains a family on the mixture and measures it; see `experiments._mixture`."""
    from lab.data import ring

    return _mixture.run(config, track, ring())


if __name__ == "__main__":
    experiment.main(Config, run, smoke=_mixture.SMOKE)
