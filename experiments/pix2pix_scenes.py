"""Outlines become shaded solids, or grey pictures coloured ones: pix2pix on drawn scenes.

Expected: error_ratio <= 0.5 (not measured yet)
Time: half an hour of one core, reckoned
Source: Isola et al. 2017

`--task outline` gives the network the outlines of ten kinds of figures. It must find colours,
light and shadow. `--task colour` gives the grey picture. Both are determined by the figures, so
there is one right answer. `error` is the mean absolute error, as a share of the way from black to
white, `similarity` the structural similarity. `_mean` is of the mean training picture and `_grey`
of the source. `error_ratio` is the error divided by the smaller of these two.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from experiments.common import gan as shared
from experiments.common import translation
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.gan import GAN


@dataclass(frozen=True)
class Config(translation.Paired):
    """Settings of pix2pix on scenes."""

    task: Literal["outline", "colour"] = "outline"
    """What the sources are: outlines, or grey pictures."""
    generator: Literal["residual", "unet"] = "unet"
    size: Annotated[int, Interval(16, 512)] = 64
    receptive_field: Literal[1, 16, 34, 70, 142] = 34
    samples: Annotated[int, Interval(1, 10**7)] = 8_000
    """Scenes to train on."""
    test_samples: Annotated[int, Interval(10, 10**6)] = 500
    """Scenes to test on."""
    most: Annotated[int, Interval(1, 100)] = 5
    """The greatest number of figures of a scene."""

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.batch_size <= self.samples, "batch_size", f"at most samples, {self.samples}", self.batch_size)

    @property
    def total_steps(self) -> int:
        """Scenes seen in the whole run."""
        return self.epochs * (self.samples // self.batch_size) * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.held(10 * (self.samples + self.test_samples), "--samples, --test-samples")


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains, measures and draws."""
    import numpy as np

    from lab.data import shaded
    from lab.gan import translate

    for_train, for_test, players = shared.seeds(track, 3)
    train, test = (
        shaded(count, size=config.size, objects=(1, config.most), seed=seed)
        for count, seed in ((config.samples, for_train), (config.test_samples, for_test))
    )
    x, tested = (each.outlines if config.task == "outline" else each.grey for each in (train, test))
    gan = translation.pix2pix_gan(config, (1, 3), config.total_steps // config.batch_size, players)

    def score(gan: "GAN") -> dict[str, float]:
        return translation.distances(translate(gan.average, tested), test.pictures)

    some = slice(translation.SHOWN)
    translation.train(track, config, gan, x, train.pictures, (tested[some], test.pictures[some]), score, title="unseen scenes")
    results = score(gan)
    track.curve("error", label="mean absolute error", title="Translated scenes against true ones", x_label="scenes seen")
    mean = np.broadcast_to(train.pictures.mean(axis=0).round().astype("uint8"), test.pictures.shape)
    for name, pictures in (("mean", mean), ("grey", np.repeat(tested, 3, axis=-1))):
        results |= translation.named(translation.distances(pictures, test.pictures), name)
    return results | {"error_ratio": results["error"] / min(results["error_mean"], results["error_grey"])}


if __name__ == "__main__":
    smoke = {"size": 32, "samples": 60, "test_samples": 20, "epochs": 4, "batch_size": 10, "filters": 8}
    experiment.main(Config, run, smoke=smoke)
