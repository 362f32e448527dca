"""A deep convolutional GAN draws digits that it has seen rendered from fonts.

Expected: coverage >= 0.25 (0.31 ± 0.02 over 3 seeds)
Time: 7 minutes of one core
Source: Radford et al. 2016 (players, Adam 2e-4 with beta_1 0.5); Goodfellow et al. 2014, section 3
    (the non-saturating objective)
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.common import images as shared
from lab.runs import experiment

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config(shared.Images):
    """Settings of the DCGAN."""


def make(config: Config, images: int, classes: int, seed: int) -> "GAN":
    """The GAN for a run over `images` training images."""
    import numpy as np

    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape: dict[str, Any] = {"size": config.size, "channels": config.channels, "filters": config.filters}
    return GAN(
        dcgan_generator(latent=config.latent, seed=one, **shape),
        dcgan_discriminator(seed=two, **shape),
        adversarial.non_saturating,
        seed=three,
        **shared.common(config, images),
    )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.images`."""
    return shared.run(config, track, make)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=shared.SMOKE)
