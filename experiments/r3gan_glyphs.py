"""A relativistic GAN with zero-centred penalties (R3GAN) draws digits that it has seen rendered from fonts.

Expected: frechet_distance <= TODO
Time: TODO
Source: Huang et al. 2024 (relativistic pairs, R1 and R2, Adam with betas 0 and 0.9, residual players without normalisation; gamma and step sizes are ours).
"""

from dataclasses import dataclass
from typing import Annotated

from experiments import _images
from lab import experiment
from lab.command import Range


@dataclass(frozen=True)
class Config(_images.Images):
    """Settings of R3GAN."""

    beta_1: Annotated[float, Range(0, 1)] = 0.0
    """Decay of Adam's first moment."""
    beta_2: Annotated[float, Range(0, 1)] = 0.9
    """Decay of Adam's second moment."""
    gamma: Annotated[float, Range(0)] = 1.0
    """Weight of R1 and of R2, halved as in the paper."""
    penalty_interval: Annotated[int, Range(1)] = 1
    """Updates between two penalties, which are so many times as heavy."""
    attention: bool = False
    """Self-attention in both players."""


def make(config, images, classes, seed):
    """The GAN."""
    import numpy as np

    from lab.gan import GAN, r1, r2
    from lab.losses import adversarial
    from lab.models import r3gan_discriminator, r3gan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape = {"size": config.size, "channels": config.channels, "filters": config.filters, "attention": config.attention}
    return GAN(
        r3gan_generator(latent=config.latent, seed=one, **shape),
        r3gan_discriminator(seed=two, **shape),
        adversarial.relativistic,
        penalties=(r1(config.gamma), r2(config.gamma)),
        penalty_interval=config.penalty_interval,
        seed=three,
        **_images.common(config, images),
    )


def run(config, track):
    """Trains, measures and draws; see `experiments._images`."""
    return _images.run(config, track, make)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=_images.SMOKE)
