"""A relativistic GAN with zero-centred penalties (R3GAN) draws digits rendered from fonts.

Expected: coverage >= 0.45 (0.50 ± 0.05 over 3 seeds)
Time: 8 minutes of one core, 17 beside another training
Source: Huang et al. 2024 (relativistic pairs, R1 and R2, gamma and step sizes that fall); the
    values of gamma and the step sizes, beta 2 and the lazy interval are ours

`--players residual` has the paper's kind of players, without normalisation. The default is DCGAN's,
with none in the discriminator: an update takes a twentieth of the arithmetic.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from experiments.common import images as shared
from lab import validation
from lab.runs import experiment
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config(shared.Images):
    """Settings of R3GAN."""

    generator_rate: float = 2e-3
    """Adam's step size of the generator."""
    discriminator_rate: float = 2e-3
    """Adam's step size of the discriminator."""
    beta_1: float = 0.0
    """Decay of Adam's first moment."""
    beta_2: float = 0.99
    """Decay of Adam's second moment."""
    players: Literal["dcgan", "residual"] = "dcgan"
    """The networks; see above."""
    gamma: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of R1 and of R2 at the start, halved as in the paper."""
    gamma_end: Annotated[float, Interval(over=0, high=1e6)] = 1.0
    """The weight at the end; it falls exponentially."""
    penalty_interval: Annotated[int, Interval(1, 10**4)] = 4
    """Updates between two penalties, which are so many times as heavy."""
    attention: bool = False
    """Self-attention in both residual players."""

    def __post_init__(self) -> None:
        super().__post_init__()
        possible = not self.attention or self.players == "residual"
        validation.require(possible, "attention", "False with --players dcgan", self.attention)


def make(config: Config, images: int, classes: int, seed: int) -> "GAN":
    """The GAN for a run over `images` training images."""
    import numpy as np

    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator, r3gan_discriminator, r3gan_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    shape: dict[str, Any] = {"size": config.size, "channels": config.channels, "filters": config.filters}
    if config.players == "residual":
        shape |= {"attention": config.attention}
        generator = r3gan_generator(latent=config.latent, seed=one, **shape)
        discriminator = r3gan_discriminator(seed=two, **shape)
    else:
        generator = dcgan_generator(latent=config.latent, seed=one, **shape)
        discriminator = dcgan_discriminator(normalization="none", seed=two, **shape)
    return GAN(
        generator,
        discriminator,
        adversarial.relativistic,
        penalties=shared.zero_centred(config, images),
        penalty_interval=config.penalty_interval,
        seed=three,
        **shared.common(config, images),
    )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains, measures and draws; see `experiments.common.images`."""
    return shared.run(config, track, make)


if __name__ == "__main__":
    experiment.main(Config, run, smoke=shared.SMOKE)
