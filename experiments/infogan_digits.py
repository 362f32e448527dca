"""InfoGAN finds the classes, slant and width of handwritten digits without labels.

Expected: code_accuracy >= 0.5 (0.59, from 0.55 to 0.62 over 3 seeds; at random 0.1)
Time: 5 minutes of a shared core
Source: Chen et al. 2016 (a code of ten categories and two of numbers, weights 1 and 0.1, Adam 2e-4
    and 1e-3; 62 numbers of noise there), on scikit-learn's 1,797 digits

`code_accuracy` is the share of digits whose code is their class's, after the best matching of codes
and classes. 0.1 at random is before it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from experiments.common import gan as shared
from lab import validation
from lab.engine.precision import Precision
from lab.runs import experiment, memory
from lab.runs.curves import reference_lines
from lab.validation import Interval

if TYPE_CHECKING:
    import numpy as np

    from lab.gan import Codes


@dataclass(frozen=True)
class Config:
    """Settings of InfoGAN."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`

    epochs: Annotated[int, Interval(1, 10**6)] = 100
    """Passes over the digits."""
    batch_size: Annotated[int, Interval(1, 1797)] = 64
    """Images in one turn of a player."""
    noise: Annotated[int, Interval(1, 10**5)] = 16
    """Numbers in a latent that mean nothing."""
    categories: Annotated[int, Interval(2, 10**4)] = 10
    """Values of the categorical code."""
    continuous: Annotated[int, Interval(1, 10**4)] = 2
    """Codes that are numbers."""
    filters: Annotated[int, Interval(1, 4_096)] = 32
    """Channels of the players' narrowest convolutions."""
    generator_rate: Annotated[float, Interval(over=0, high=1e6)] = 1e-3
    """Adam's step size of the generator."""
    discriminator_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-4
    """Adam's step size of the discriminator, which also reads the codes."""
    weight: Annotated[float, Interval(0, 1e6)] = 1.0
    """Weight of the categorical code."""
    continuous_weight: Annotated[float, Interval(0, 1e6)] = 0.1
    """Weight of the codes that are numbers."""
    precision: Precision = "float32"
    """Numbers that the players' convolutions and dense layers compute with; see `Recipe`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)

    @property
    def total_steps(self) -> int:
        """Images seen in the whole run."""
        return self.epochs * (1797 // self.batch_size) * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("latents", memory.array(20 * self.categories, self.codes), "--categories, --noise, --continuous"),
            memory.players(self.filters, self.codes),
        ]

    @property
    def codes(self) -> int:
        """Numbers in a latent."""
        return self.noise + self.categories + self.continuous


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains InfoGAN and matches its codes with the digits' classes."""
    import numpy as np

    from lab import data
    from lab.gan import GAN, Codes, infogan, pictures
    from lab.gan.callbacks import SampleGrid, Score
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator, describe_images
    from lab.optimizers import Adam

    x, y = data.digits(28)
    one, two, three, looks = shared.seeds(track, 4)
    codes = Codes(config.noise, (config.categories,), config.continuous)
    gan = GAN(
        dcgan_generator(latent=codes.size, filters=config.filters, seed=one),
        dcgan_discriminator(filters=config.filters, outputs=config.categories + config.continuous, seed=two),
        adversarial.non_saturating,
        generator_optimizer=Adam(config.generator_rate, 0.5),
        discriminator_optimizer=Adam(config.discriminator_rate, 0.5),
        latent=codes,
        auxiliary=infogan(codes, config.weight, config.continuous_weight),
        precision=config.precision,
        seed=three,
    )

    def score(gan):
        return {"code_accuracy": matched(describe_images(gan.discriminator, x)[1][:, : config.categories].argmax(1), y)}

    latents = traversal(config, codes, np.random.default_rng(looks))
    columns = len(latents) // config.categories
    words: dict[str, Any] = {
        "row_labels": [f"category {i}" for i in range(config.categories)],
        "column_labels": [f"{value:.1f}" for value in latents[:columns, config.noise + config.categories]],
        "title": "InfoGAN: a category in each row; above, the first continuous code",
    }
    callbacks = [SampleGrid(track.artifacts, latents, keep=track.artifact, columns=columns, **words), Score(score, times=20)]
    shared.fit(track, gan, x, epochs=config.epochs, batch_size=config.batch_size, callbacks=callbacks)
    pictures.save_grid(track.artifacts / "codes.png", gan.decode(latents), columns=columns, **words)
    track.artifact("codes.png")
    track.model(gan.average)
    track.curve(
        "code_accuracy",
        label="share of digits whose code is their class's",
        x_label="images seen",
        title="How well InfoGAN's categories match the digits, without labels",
        lines=reference_lines(config, "code_accuracy"),
    )
    return score(gan)


def traversal(config: Config, codes: "Codes", rng: "np.random.Generator") -> "np.ndarray":
    """Latents of a grid with a row for each category.

    Along a row the first number goes from -2 to 2. The noise is the same everywhere.
    """
    import numpy as np

    latents = np.repeat(codes.sample(1, rng), 10 * config.categories, axis=0)
    first = config.noise + config.categories
    latents[:, config.noise : first] = np.repeat(np.eye(config.categories), 10, axis=0)
    latents[:, first:] = 0
    latents[:, first] = np.tile(np.linspace(-2, 2, 10), config.categories)
    return latents


def matched(codes: "np.ndarray", labels: "np.ndarray") -> float:
    """The share of samples whose code goes with their label, in the best one-to-one matching."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    table = contingency_matrix(labels, codes)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(labels))


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"epochs": 4, "filters": 4, "batch_size": 50})
