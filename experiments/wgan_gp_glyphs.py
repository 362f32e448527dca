"""A Wasserstein GAN with gradient penalty draws digits that it has seen rendered from fonts.

Expected: coverage >= 0.3 (0.37 ± 0.04 over 3 seeds)
Time: 6 minutes of one core, 12 beside another training
Source: Gulrajani et al. 2017, Algorithm 1 (Adam's betas 0 and 0.9, five turns of the critic, weight
    10), with DCGAN's players, without normalisation in the critic

Their step size, 1e-4, and an average of 1,000 updates need more than the 1,560 updates of this run.
It ended at a Fréchet distance of 600 (one seed, not kept; here 16.9 ± 3.5).
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
    """Settings of the WGAN-GP."""

    generator_rate: float = 2e-3
    """Adam's step size of the generator."""
    discriminator_rate: float = 2e-3
    """Adam's step size of the critic."""
    beta_1: float = 0.0
    """Decay of Adam's first moment."""
    beta_2: float = 0.9
    """Decay of Adam's second moment."""
    ema: float = 0.99
    """Decay of the generator's average, which makes the samples; 0 is the generator itself."""
    discriminator_steps: Annotated[int, Interval(1, 10**4)] = 5
    """Turns of the critic for each of the generator."""
    penalty: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of the gradient penalty."""


def make(config: Config, images: int, classes: int, seed: int) -> "GAN":
    """The GAN for a run over `images` training images."""
    import numpy as np

    from lab.gan import GAN, gradient_penalty
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape: dict[str, Any] = {"size": config.size, "channels": config.channels, "filters": config.filters}
    return GAN(
        dcgan_generator(latent=config.latent, seed=one, **shape),
        dcgan_discriminator(normalization="none", seed=two, **shape),
        adversarial.wasserstein,
        penalties=(gradient_penalty(config.penalty),),
        discriminator_steps=config.discriminator_steps,
        seed=three,
        **shared.common(config, images),
    )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.images`."""
    return shared.run(config, track, make)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=shared.SMOKE | {"discriminator_steps": 2})
