"""A GAN on a ring of 8 Gaussians: which modes it covers, and how well, at PacGAN's protocol.

Expected: modes >= 8 (8 of 8, 98.5 ± 0.3 % of high quality, in 10 seeds; PacGAN's plain GAN 6.3)
Time: about 35 minutes of one core (21 for 48 of the 80 passes)
Source: Lin et al. 2018, section 4.1 (players, samples, measures; networks as in their code);
    Huang et al. 2024 (R3GAN)
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import mixture
from lab.runs import experiment


@dataclass(frozen=True)
class Config(mixture.Mixture):
    """Settings of a GAN on a ring of 8 Gaussians."""


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains a family on the mixture and measures it; see `experiments.common.mixture`."""
    from lab.data import ring

    return mixture.run(config, track, ring())


if __name__ == "__main__":
    experiment.main(Config, run, smoke=mixture.SMOKE)
