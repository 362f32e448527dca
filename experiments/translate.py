"""Your own pictures into others: from one folder to another, with pairs or without.

Expected: error_ratio <= 0.9 of pairs (not measured yet; on other pictures it depends on them)
Time: about ten minutes of two cores for 1,000 pictures of 64 x 64 and 10 epochs, reckoned
Source: Isola et al. 2017 (pairs), Zhu et al. 2017 (no pairs)

    python -m experiments.translate --sources FOLDER --targets FOLDER
    python -m experiments.translate --sources FOLDER --targets FOLDER --unpaired

With pairs, a target has the name of its source. Without pairs the folders may have any pictures. A
tenth of the pictures is for validation. `error` is the mean absolute error of translated validation
pictures, as a share of the way from black to white, `error_ratio` that divided by the error of the
mean training target. Without pairs nobody knows the right answer: `cycle_error` is what is lost on
the way there and back.
Without folders it trains on drawn scenes, from outlines to pictures.
`python -m lab translate RUN PICTURE ...` translates further pictures of any size.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from experiments.common import gan as shared
from experiments.common import translation
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import numpy as np

    from lab.data import TwoFolders
    from lab.gan import GAN

DRAWN = 500  # scenes, without folders


@dataclass(frozen=True)
class Config(translation.Paired, translation.Unpaired):
    """Settings of a translation between two folders."""

    sources: str = ""
    """The folder of the pictures to start from; by default outlines are drawn."""
    targets: str = ""
    """The folder of the pictures to become; by default shaded figures are drawn."""
    unpaired: bool = False
    """CycleGAN, for folders without pairs. Else pix2pix, for pictures of the same names."""
    source_channels: Literal[1, 3] = 3
    """1: sources become grey."""
    target_channels: Literal[1, 3] = 3
    """1: targets become grey."""
    unreadable: Literal["refuse", "skip"] = "refuse"
    """What to do with a file that is not a picture."""
    share: Annotated[float, Interval(over=0, high=0.9)] = 0.1
    """Share of the pictures for validation."""
    mirror: bool = False
    """Train on the mirror image of each picture, too."""
    size: Annotated[int, Interval(16, 512)] = 64
    receptive_field: Literal[1, 16, 34, 70, 142] = 34
    batch_size: Annotated[int, Interval(1, 10**5)] = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        for name in ("generator", "weight") if self.unpaired else ("cycle", "identity", "pool"):
            expected = f"{usual[name]} {'with' if self.unpaired else 'without'} --unpaired"
            validation.require(getattr(self, name) == usual[name], name, expected, getattr(self, name))
        possible = not self.unpaired or self.identity == 0 or self.source_channels == self.target_channels
        validation.require(possible, "identity", "0 where sources and targets have different channels", self.identity)
        given = bool(self.sources) == bool(self.targets)
        validation.require(given, "targets", "a folder with --sources and none without", self.targets)
        if self.sources:
            least = min(len(each) for each in self.pictures()[:2])
            validation.require(least > 1, "sources", "two pictures or more in each folder", least)
        x, y = self.counts()
        validation.require(
            self.batch_size <= min(x, y), "batch_size", f"at most the {min(x, y)} pictures to train on", self.batch_size
        )

    def pictures(self) -> "TwoFolders":
        """The pictures of both folders."""
        try:
            return _read(
                self.sources,
                self.targets,
                self.size,
                self.unpaired,
                self.source_channels,
                self.target_channels,
                self.unreadable,
            )
        except ValueError as error:
            raise ValueError(f"--sources, --targets: {error}") from error

    def counts(self) -> tuple[int, int]:
        """How many source and target pictures are trained on."""
        found = [DRAWN, DRAWN] if not self.sources else [len(each) for each in self.pictures()[:2]]
        x, y = ((1 + self.mirror) * (count - held_out(count, self.share)) for count in found)
        return x, y

    @property
    def total_steps(self) -> int:
        """Pictures of each kind seen in the whole run."""
        return self.epochs * (max(self.counts()) // self.batch_size) * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.held(3 * sum(self.counts()), "a smaller folder")


def held_out(count: int, share: float) -> int:
    """How many of `count` pictures are for validation: at least one, if there are two."""
    return min(max(round(share * count), 1), count - 1)


@functools.lru_cache(2)
def _read(sources, targets, size, unpaired, source_channels, target_channels, unreadable):
    from lab.data import two_folders

    channels = (source_channels, target_channels)
    return two_folders(sources, targets, size, paired=not unpaired, channels=channels, unreadable=unreadable)


def loaded(config: Config, track: Track, seed: int) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """(sources and targets to train on, sources and targets for validation)."""
    import numpy as np

    from lab.data import shaded

    rng = np.random.default_rng(seed)
    if config.sources:
        found = config.pictures()
        for name in found.skipped:
            track.say(f"{name}: no picture, left out")
        x, y = found.sources, found.targets
    else:
        drawn = shaded(DRAWN, size=config.size, seed=seed)
        x, y = (np.repeat(drawn.outlines, config.source_channels, -1), drawn.pictures)
        y = y if config.target_channels == 3 else drawn.grey
    order = rng.permutation(len(x))
    other = rng.permutation(len(y)) if config.unpaired else order
    parts = []
    for pictures, places in ((x, order), (y, other)):
        valid, train = np.split(pictures[places], [held_out(len(places), config.share)])
        parts.append((np.concatenate([train, train[:, :, ::-1]]) if config.mirror else train, valid))
    (x, x_valid), (y, y_valid) = parts
    return x, y, x_valid, y_valid


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains, measures and draws."""
    import numpy as np

    from lab.gan import translate

    for_data, players = shared.seeds(track, 2)
    x, y, tested, truth = loaded(config, track, for_data)
    make = translation.cyclegan_gan if config.unpaired else translation.pix2pix_gan
    gan = make(config, (config.source_channels, config.target_channels), config.total_steps // config.batch_size, players)

    def score(gan: "GAN") -> dict[str, float]:
        made = translate(gan.average, tested)
        if not config.unpaired:
            return translation.distances(made, truth)
        lost = translation.distances(translate(gan.average, made, back=True), tested)
        return {"cycle_error": lost["error"], "cycle_similarity": lost["similarity"]}

    some = slice(translation.SHOWN)
    shown = (tested[some], None if config.unpaired else truth[some])
    translation.train(track, config, gan, x, y, shown, score, title="validation pictures")
    results = score(gan)
    key = "cycle_error" if config.unpaired else "error"
    track.curve(key, label="mean absolute error", title="Translated validation pictures", x_label="pictures seen")
    if config.unpaired:
        return results
    mean = np.broadcast_to(y.mean(axis=0).round().astype("uint8"), truth.shape)
    results |= translation.named(translation.distances(mean, truth), "mean")
    return results | {"error_ratio": results["error"] / max(results["error_mean"], 1e-9)}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"size": 16, "epochs": 2, "batch_size": 50, "filters": 4, "blocks": 1})
