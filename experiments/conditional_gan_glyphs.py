"""A conditional GAN draws the digit that it is asked for.

Expected: as_asked >= 0.95 (0.996 ± 0.007 over 3 seeds; at random 0.1)
Time: 8 minutes of one core, 17 beside another training
Source: Miyato and Koyama 2018 (projection) and Mirza and Osindero 2014 (concatenation), with
    R3GAN's objective (Huang et al. 2024); Odena et al. 2017 (ACGAN), with the hinge objective and
    spectral normalisation

`as_asked` is the share of samples that the classifier takes for the digit asked for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from experiments.common import images as shared
from lab.runs import experiment
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config(shared.Images):
    """Settings of the conditional GAN."""

    conditioning: Literal["projection", "concatenation", "acgan"] = "projection"
    """How labels reach the discriminator."""
    generator_rate: float = 1e-3
    """Adam's step size of the generator."""
    discriminator_rate: float = 1e-3
    """Adam's step size of the discriminator."""
    beta_1: float = 0.0
    """Decay of Adam's first moment."""
    beta_2: float = 0.99
    """Decay of Adam's second moment."""
    gamma: Annotated[float, Interval(over=0, high=1e6)] = 1.0
    """Weight of R1 and of R2 at the start, halved as in the paper; projection and concatenation."""
    gamma_end: Annotated[float, Interval(over=0, high=1e6)] = 0.1
    """The weight at the end; it falls exponentially."""
    penalty_interval: Annotated[int, Interval(1, 10**4)] = 4
    """Updates between two penalties, which are so many times as heavy."""
    class_weight: Annotated[float, Interval(0, 1e6)] = 1.0
    """Weight of the cross-entropy of classes; acgan."""


def make(config: Config, images: int, classes: int, seed: int) -> "GAN":
    """The GAN for a run over `images` training images."""
    import numpy as np

    from lab.gan import GAN, acgan
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape: dict[str, Any] = {"size": config.size, "channels": config.channels, "filters": config.filters}
    generator = dcgan_generator(latent=config.latent, classes=classes, seed=one, **shape)
    options: dict[str, Any] = {"classes": classes, "seed": three, **shared.common(config, images)}
    if config.conditioning == "acgan":
        discriminator = dcgan_discriminator(normalization="spectral", outputs=classes, seed=two, **shape)
        return GAN(generator, discriminator, adversarial.hinge, auxiliary=acgan(config.class_weight), **options)
    discriminator = dcgan_discriminator(
        normalization="none", classes=classes, conditioning=config.conditioning, seed=two, **shape
    )
    penalties: dict[str, Any] = {"penalties": shared.zero_centred(config, images), "penalty_interval": config.penalty_interval}
    return GAN(generator, discriminator, adversarial.relativistic, **penalties, **options)


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.images`."""
    return shared.run(config, track, make, labelled=True)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=shared.SMOKE)
