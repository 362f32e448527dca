"""Three digits stacked in the colour channels: how many of the 1,000 combinations a GAN draws.

Expected: modes >= 990 (1,000 of 1,000 in the one seed that is measured; DCGAN 991, packed 993)
Time: 19 minutes of one core
Source: Metz et al. 2017, section 3.3.1; Lin et al. 2018, section 4.2 (DCGAN, packing; 26,000
    samples are counted); Huang et al. 2024 (R3GAN)

Differences from the papers: glyphs and our classifier of them in place of MNIST; one turn of the
generator for each of the discriminator, where Lin et al. have two; fewer updates. The packed
discriminator sees 64 pairs at a time, as in Lin et al. Only R3GAN has a moving average, as in its
paper.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from experiments.common import gan as shared
from lab import validation
from lab.engine.precision import Precision
from lab.runs import experiment, memory
from lab.runs.curves import reference_lines
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config:
    """Settings of a GAN on stacked digits."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`

    family: Literal["dcgan", "pacgan2", "r3gan"] = "r3gan"
    """The objective with its penalties and packing; all have DCGAN's players."""
    samples: Annotated[int, Interval(1, 10**9)] = 128_000
    """Stacks to train on."""
    epochs: Annotated[int, Interval(1, 10**6)] = 4
    """Passes over them; twice as many with pacgan2, for as many updates."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 64
    """Stacks, or with pacgan2 pairs of them, in one turn of a player."""
    latent: Annotated[int, Interval(1, 10**5)] = 100
    """Numbers in a latent."""
    filters: Annotated[int, Interval(1, 4_096)] = 32
    """Channels of the players' narrowest convolutions."""
    learning_rate: Annotated[float | None, Interval(over=0, high=1e6)] = None
    """Adam's step size, which falls to 0 along a cosine. None: 1e-3 for r3gan, 2e-4 for others."""
    gamma: Annotated[float, Interval(over=0, high=1e6)] = 1.0
    """Weight of R1 and of R2 at the start, halved as in the paper; r3gan."""
    gamma_end: Annotated[float, Interval(over=0, high=1e6)] = 0.1
    """The weight at the end; it falls exponentially; r3gan."""
    penalty_interval: Annotated[int, Interval(1, 10**4)] = 4
    """Updates between two penalties, which are so many times as heavy; r3gan."""
    evaluation_samples: Annotated[int, Interval(10, 10**8)] = 26_000
    """Stacks that are counted."""
    precision: Precision = "float32"
    """Numbers that the players' convolutions and dense layers compute with; see `Recipe`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        enough = self.turn_size <= self.samples
        validation.require(enough, "samples", f"at least one turn's, {self.turn_size}", self.samples)

    @property
    def pac(self) -> int:
        """Stacks that the discriminator sees at once."""
        return 2 if self.family == "pacgan2" else 1

    @property
    def turn_size(self) -> int:
        """Real stacks in one turn of the discriminator."""
        return self.batch_size * self.pac

    @property
    def passes(self) -> int:
        """Passes over the stacks."""
        return self.epochs * self.pac

    @property
    def updates(self) -> int:
        """Updates in the whole run."""
        return self.passes * (self.samples // self.turn_size)

    @property
    def total_steps(self) -> int:
        """Stacks seen in the whole run."""
        return self.updates * self.turn_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        stacks = self.samples + 4 * self.evaluation_samples
        return [
            memory.Need("stacks", stacks * 28 * 28 * 3, "--samples, --evaluation-samples"),
            memory.glyphs(min(self.samples, 50_000), 28, "--samples"),
            memory.players(self.filters, self.latent),
        ]


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains the family and counts its modes."""
    import numpy as np

    from lab import data
    from lab.gan import pictures
    from lab.gan.callbacks import SampleGrid, Score, frames
    from lab.metrics import reverse_kl
    from lab.models import describe_images, trained_glyph_classifier

    drawn, mixed, players, looks = shared.seeds(track, 4)
    images, labels = data.glyphs(min(config.samples, 50_000), seed=drawn)
    x, _ = data.stacked(images, labels, config.samples, seed=mixed)
    gan = make(config, players)
    classifier, digest = trained_glyph_classifier()
    track.tag("feature_network", f"{classifier.name} {digest}")

    def score(gan, count=config.evaluation_samples):
        made = gan.generate(count, seed=looks)
        digits = np.stack([describe_images(classifier, made[..., c : c + 1])[0].argmax(1) for c in range(3)], axis=1)
        found = np.bincount(digits @ [100, 10, 1], minlength=1000)
        return {"modes": int((found > 0).sum()), "reverse_kl": reverse_kl(found / count, np.full(1000, 1e-3))}

    latents = gan.latent.sample(100, np.random.default_rng(looks))
    title = "generated stacks of three digits (red, green, blue)"
    callbacks = [SampleGrid(track.artifacts, latents, keep=track.artifact, title=title), Score(score, times=10)]
    shared.fit(track, gan, x, epochs=config.passes, batch_size=config.turn_size, callbacks=callbacks)
    pictures.animate(track.artifacts / "training.gif", frames(track.artifacts, "samples-*.png"), milliseconds=700)
    track.artifact("training.gif")
    track.model(gan.average)
    track.curve(
        "modes",
        label="modes found, of 1,000",
        x_label="images seen",
        title=f"Three-digit numbers that the generator draws: {config.family}",
        lines=reference_lines(config, "modes"),
    )
    return score(gan)


def make(config: Config, seed: int) -> "GAN":
    """The GAN of a family."""
    import keras
    import numpy as np

    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator
    from lab.optimizers import Adam

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    relativistic = config.family == "r3gan"
    shape: dict[str, Any] = {"size": 28, "channels": 3, "filters": config.filters}
    betas = (0.0, 0.99) if relativistic else (0.5, 0.999)
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate or (1e-3 if relativistic else 2e-4), config.updates)
    return GAN(
        dcgan_generator(latent=config.latent, seed=one, **shape),
        dcgan_discriminator(normalization="none" if relativistic else "batch", pac=config.pac, seed=two, **shape),
        adversarial.relativistic if relativistic else adversarial.non_saturating,
        generator_optimizer=Adam(rate, *betas),
        discriminator_optimizer=Adam(rate, *betas),
        penalties=shared.zero_centred(config.gamma, config.gamma_end, config.updates) if relativistic else (),
        penalty_interval=config.penalty_interval if relativistic else 1,
        pac=config.pac,
        ema=0.999 if relativistic else 0.0,
        precision=config.precision,
        seed=three,
    )


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"samples": 300, "epochs": 6, "filters": 4, "batch_size": 10, "evaluation_samples": 50})
