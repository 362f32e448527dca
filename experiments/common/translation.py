"""What the experiments on translation share: settings, both kinds of GAN, runs with pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from experiments.common import gan as shared
from lab import validation
from lab.engine.precision import Precision
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.gan import GAN

SHOWN = 10  # pictures in each sheet


@dataclass(frozen=True)
class Translation:
    """Settings of a translation of pictures."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`

    size: Annotated[int, Interval(16, 512)] = 32
    """Pixels on a side. A multiple of 8."""
    epochs: Annotated[int, Interval(1, 10**6)] = 10
    """Passes over the pictures."""
    batch_size: Annotated[int, Interval(1, 10**5)] = 16
    """Pictures of each kind in an update."""
    filters: Annotated[int, Interval(1, 1024)] = 32
    """Channels of the networks' first convolutions."""
    blocks: Annotated[int, Interval(0, 100)] = 4
    """Residual blocks of a generator."""
    receptive_field: Literal[1, 16, 34, 70, 142] = 16
    """Pixels on a side of what a logit of the discriminator judges."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-4
    """Adam's step size of both players at the start."""
    flat: Annotated[float, Interval(0, 0.999)] = 0.5
    """Share of the training before step sizes fall linearly to 0."""
    beta_1: Annotated[float, Interval(0, 1)] = 0.5
    """Decay of Adam's first moment."""
    ema: Annotated[float, Interval(0, 0.999999)] = 0.0
    """Decay of the generator's average, which makes the pictures; 0 is the generator itself."""
    precision: Precision = "float32"
    """Numbers that convolutions compute with; see `Recipe`."""
    evaluations: Annotated[int, Interval(1, 10**6)] = 4
    """How often to measure during training."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.size % 8 == 0, "size", "a multiple of 8", self.size)
        sees = self.receptive_field <= 4 * self.size
        validation.require(sees, "receptive_field", f"at most four times the size, {4 * self.size}", self.receptive_field)

    def held(self, pictures: int, flag: str) -> list[memory.Need]:
        """What a run with so many channels of pictures of each kind holds. `flag` lowers it."""
        return [
            memory.Need("pictures", memory.array(2, pictures, self.size**2, item=1), f"{flag}, --size"),
            memory.Need(
                "maps of a batch", memory.array(60 * self.batch_size, self.size**2, self.filters), "--batch-size, --size"
            ),
        ]


@dataclass(frozen=True)
class Paired(Translation):
    """Settings of pix2pix."""

    generator: Literal["residual", "unet"] = "residual"
    """Its network: with residual blocks, or with skips between maps of one size."""
    weight: Annotated[float, Interval(0, 1e6)] = 100.0
    """Weight of the mean absolute error."""


@dataclass(frozen=True)
class Unpaired(Translation):
    """Settings of CycleGAN."""

    cycle: Annotated[float, Interval(0, 1e6)] = 10.0
    """Weight of the way there and back."""
    identity: Annotated[float, Interval(0, 1e6)] = 0.5
    """Weight of leaving targets as they are, as a share of `cycle`."""
    pool: Annotated[int, Interval(0, 10**5)] = 50
    """Generated pictures of each kind from which the discriminator is shown some."""


def pix2pix_gan(config: Any, channels: tuple[int, int], updates: int, seed: int) -> "GAN":
    """The GAN that learns from pairs.

    Args:
        config: has the fields of `Paired`.
        channels: of sources and of targets.
        updates: of the whole run.
        seed: of everything.
    """
    import numpy as np

    from lab.gan import pix2pix
    from lab.models import patch_discriminator, unet_generator

    one, two, three = np.random.SeedSequence(seed).generate_state(3).tolist()
    source, target = ((config.size, config.size, number) for number in channels)
    if config.generator == "unet":
        widths = tuple(config.filters * 2**level for level in range(4))
        generator = unet_generator(source, channels[1], widths=widths, seed=one)
    else:
        generator = residual(config, source, channels[1], one)
    discriminator = patch_discriminator(
        target, condition=channels[0], receptive_field=config.receptive_field, filters=config.filters, seed=two
    )
    return _gan(config, generator, discriminator, pix2pix(config.weight), updates, three)


def cyclegan_gan(config: Any, channels: tuple[int, int], updates: int, seed: int) -> "GAN":
    """The GAN that learns from two sets; arguments as of `pix2pix_gan`, fields of `Unpaired`."""
    import numpy as np

    from lab.gan import cyclegan
    from lab.models import patch_discriminator, side_by_side

    *states, last = np.random.SeedSequence(seed).generate_state(5).tolist()
    shapes = [(config.size, config.size, number) for number in channels]
    generators = [
        residual(config, shape, outputs, start, name)
        for shape, outputs, start, name in zip(shapes, channels[::-1], states, ("forward", "backward"), strict=False)
    ]
    discriminators = [
        patch_discriminator(
            shape, receptive_field=config.receptive_field, filters=config.filters, seed=start, name=f"discriminator_of_{kind}"
        )
        for shape, start, kind in zip(shapes, states[2:], ("sources", "targets"), strict=True)
    ]
    rule = cyclegan(config.cycle, config.identity, config.pool)
    both = side_by_side(*generators, name="generators"), side_by_side(*discriminators, name="discriminators")
    return _gan(config, *both, rule, updates, last)


def residual(config: Any, shape: tuple[int, ...], outputs: int, seed: int, name: str = "generator") -> "keras.Model":
    """The residual generator of the settings."""
    from lab.models import residual_generator

    return residual_generator(shape, outputs, filters=config.filters, blocks=config.blocks, seed=seed, name=name)


def _gan(config, generator, discriminator, rule, updates, seed):
    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.optimizers import Adam, FlatThenLinear

    def adam():
        return Adam(FlatThenLinear(config.learning_rate, int(config.flat * updates), updates), config.beta_1)

    players = {"generator_optimizer": adam(), "discriminator_optimizer": adam()}
    options = {"ema": config.ema, "precision": config.precision, "update_rule": rule, "seed": seed}
    return GAN(generator, discriminator, adversarial.least_squares, **players, **options)


def train(
    track: Track,
    config: Any,
    gan: "GAN",
    x: "np.ndarray",
    y: "np.ndarray",
    shown: "tuple[np.ndarray, np.ndarray | None]",
    score: "Callable[[GAN], dict[str, float]] | None" = None,
    **words: Any,
) -> None:
    """Trains a translation with sheets of pictures over time, and keeps its model.

    Args:
        track: of the run.
        config: settings.
        gan: which is trained.
        x, y: sources and targets.
        shown: (sources, targets or None) of the sheets.
        score: a function of the GAN -> measures, called during training.
        **words: of `lab.gan.callbacks.TranslationSheet`.
    """
    from lab.gan import pictures
    from lab.gan.callbacks import Score, TranslationSheet, frames

    sheets = [TranslationSheet(track.artifacts, *shown, keep=track.artifact, **words)]
    if len(gan.average.outputs) > 1 and shown[1] is not None:
        sheets.append(TranslationSheet(track.artifacts, shown[1], shown[0], back=True, keep=track.artifact, **words))
    callbacks = [*sheets, *([Score(score, times=config.evaluations)] if score else [])]
    shared.fit(track, gan, x, y, epochs=config.epochs, batch_size=config.batch_size, callbacks=callbacks)
    pictures.animate(track.artifacts / "training.gif", frames(track.artifacts, "translated-*.png"), milliseconds=700)
    track.artifact("training.gif")
    track.model(gan.average)


def distances(made: "np.ndarray", targets: "np.ndarray") -> dict[str, float]:
    """The mean absolute error, as a share of the way from black to white, and the similarity."""
    import numpy as np

    from lab.data.conventions import as_floats
    from lab.metrics import structural_similarity

    made, targets = as_floats(made), as_floats(targets)
    return {
        "error": float(np.abs(made - targets).mean()) / 2,
        "similarity": float(structural_similarity(made, targets).mean()),
    }


def named(results: Mapping[str, float], what: str) -> dict[str, float]:
    """Results with "_<what>" after their names."""
    return {f"{name}_{what}": value for name, value in results.items()}
