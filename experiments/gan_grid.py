"""A GAN on a grid of 25 Gaussians: which modes it covers, and how well, at PacGAN's protocol.

Expected: modes >= 25 (25 of 25, 97.7 ± 0.5 % of high quality, in 10 seeds; PacGAN's plain GAN 17.3)
Time: 32 minutes of one core
Source: Lin et al. 2018, section 4.1 (players, samples, measures; networks as in their code);
    Huang et al. 2024 (R3GAN)
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import mixture
from lab.runs import experiment


@dataclass(frozen=True)
class Config(mixture.Mixture):
    """Settings of a GAN on a grid of 25 Gaussians."""


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains a family on the mixture and measures it; see `experiments.common.mixture`."""
    from lab.data import grid

    return mixture.run(config, track, grid())


if __name__ == "__main__":
    experiment.main(Config, run, smoke=mixture.SMOKE)
