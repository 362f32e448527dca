"""A GAN with spectral normalisation and the hinge objective draws digits rendered from fonts.

Expected: coverage >= 0.6 (0.68 ± 0.03, three seeds)
Time: 20 minutes of one core, 32 beside another training
Source: Miyato et al. 2018 (residual players of appendix B.4, hinge objective, Adam with betas 0 and
    0.9); Heusel et al. 2017 (two step sizes); Zhang et al. 2019 (self-attention)

Miyato et al. have five turns of the discriminator, here it is one. The step sizes of Zhang et al.,
1e-4 and 4e-4, ended at a Fréchet distance of 73 and a coverage of 0.21 (one seed, not kept).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from experiments.common import images as shared
from lab.runs import experiment
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config(shared.Images):
    """Settings of the SNGAN."""

    generator_rate: float = 1e-3
    """Adam's step size of the generator."""
    discriminator_rate: float = 2e-3
    """Adam's step size of the discriminator."""
    beta_1: float = 0.0
    """Decay of Adam's first moment."""
    beta_2: float = 0.9
    """Decay of Adam's second moment."""
    discriminator_steps: Annotated[int, Interval(1, 10**4)] = 1
    """Turns of the discriminator for each of the generator."""
    filters: int = 16
    """Channels of the players' blocks."""
    attention: bool = False
    """Self-attention in both players."""


def make(config: Config, images: int, classes: int, seed: int) -> "GAN":
    """The GAN for a run over `images` training images."""
    import numpy as np

    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import sngan_discriminator, sngan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape: dict[str, Any] = {
        "size": config.size,
        "channels": config.channels,
        "filters": config.filters,
        "attention": config.attention,
    }
    return GAN(
        sngan_generator(latent=config.latent, seed=one, **shape),
        sngan_discriminator(seed=two, **shape),
        adversarial.hinge,
        discriminator_steps=config.discriminator_steps,
        seed=three,
        **shared.common(config, images),
    )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.images`."""
    return shared.run(config, track, make)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=shared.SMOKE)
