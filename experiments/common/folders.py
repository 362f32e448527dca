"""What the experiments on a folder of annotated pictures share: settings, data, first weights."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from experiments.common import scenes
from lab import validation
from lab.errors import SettingError
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras

    from lab.data.annotations import Annotated as Pictures


SCENES = "scenes"
DRAWN = (240, 60)  # scenes to train on and for validation


@dataclass(frozen=True)
class FolderSettings(scenes.PictureSettings):
    """Settings of a run on the pictures of a folder."""

    data: str = "scenes"
    """The folder; `lab.data.annotated` says its formats. scenes: drawn ones, to try it."""
    format: Literal["auto", "coco", "yolo", "voc", "masks"] = "auto"
    """Of the annotations. auto recognises it by the files."""
    unreadable: Literal["refuse", "skip"] = "refuse"
    """What to do with a picture that is missing or damaged, and with a box without an area."""
    share: Annotated[float, Interval(over=0, high=0.9)] = 0.2
    """Share of the pictures for validation, where the folder has no parts train and val."""
    weights: str = ""
    """A run to start from: weights of layers with the same name and shape are taken."""
    size: Annotated[int, Interval(32, 2048)] = 256
    flip: bool = True
    rotation: float = 0.0  # which would make boxes without masks too large
    epochs: int = 50
    batch_size: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.data, "data", "scenes or a folder of annotated pictures", self.data)
        count, _ = self.counts()
        validation.require(self.batch_size <= count, "batch_size", f"at most the {count} training pictures", self.batch_size)
        if self.weights:
            weights_of(self.weights)

    def pictures(self) -> "tuple[Pictures, Pictures]":
        """(pictures to train on, pictures for validation)."""
        train, validated, _ = self._parts()
        return train, validated

    def tested(self) -> "Pictures":
        """The pictures of the folder's part "test", possibly none."""
        return self._parts()[2]

    def _parts(self):
        try:
            return _pictures(self.data, self.format, self.unreadable, self.share)
        except ValueError as error:
            raise ValueError(f"--data: expected a folder of annotated pictures, received {self.data!r}: {error}") from error

    def counts(self) -> tuple[int, int]:
        """How many pictures are to train on and for validation."""
        if self.data == SCENES:
            return DRAWN
        train, test = self.pictures()
        return len(train.pictures), len(test.pictures)

    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        from lab.data.figures import FIGURES

        return tuple(FIGURES) if self.data == SCENES else self.pictures()[0].classes

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return self.counts()[0] // self.batch_size

    @property
    def total_steps(self) -> int:
        """Pictures seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        train, validated = self.counts()
        tested = 0 if self.data == SCENES else len(self.tested().pictures)
        return self.held(2 * train + validated + tested, "a smaller folder")


@functools.lru_cache(4)
def _pictures(folder: str, format: str, unreadable: str, share: float) -> "tuple[Pictures, Pictures, Pictures]":
    from lab.data import annotated, split

    found = annotated(folder, format=None if format == "auto" else format, unreadable=unreadable)
    return *split(found, share), found.of_part("test")


def loaded(config: FolderSettings, seeds: Sequence[int]) -> "tuple[scenes.AnyScenes, dict[str, scenes.AnyScenes]]":
    """(the pictures to train on, {ending of results: others}), letterboxed to the size.

    The ending "" is of those for validation, "_test" of the folder's part "test" if it has one.

    Args:
        config: the settings.
        seeds: of drawn scenes to train on and for validation.
    """
    from lab.data import load_annotated
    from lab.data import scenes as draw

    if config.data == SCENES:
        drawn = [
            draw(count, size=config.size, classes=config.names(), objects=(0, 6), seed=seed)
            for count, seed in zip(DRAWN, seeds)
        ]
        return drawn[0], {"": drawn[1]}
    train, validated = config.pictures()
    parts = {"": validated} | ({"_test": config.tested()} if config.tested().pictures else {})
    most = max(1, *(len(picture.labels) for part in (train, *parts.values()) for picture in part.pictures))
    found: dict[str, scenes.AnyScenes] = {}
    for ending, part in parts.items():
        found[ending] = load_annotated(part, config.size, most=most)
    return load_annotated(train, config.size, most=most), found


def weights_of(run: str) -> Path:
    """The file of a run's model."""
    from lab.runs import run_folder

    path = run_folder.find(run).artifacts / "model.keras"
    validation.require(path.is_file(), "weights", "a run that has logged its model", run)
    return path


def start_from(track: Track, network: "keras.Model", run: str) -> None:
    """Gives layers of a network the weights of a run's layers of the same name and shapes."""
    import keras

    import lab.vision  # noqa: F401  registers the layers of saved models

    source = keras.saving.load_model(weights_of(run), compile=False)
    known = {layer.name: layer.get_weights() for layer in source.layers}
    taken = 0
    for layer in network.layers:
        found, own = known.get(layer.name, []), layer.get_weights()
        if own and [each.shape for each in own] == [each.shape for each in found]:
            layer.set_weights(found)
            taken += 1
    if not taken:
        raise SettingError(f"--weights: expected a run whose model has layers of the same names and shapes, received {run}")
    track.say(f"weights of {taken} layers are from {run}")
