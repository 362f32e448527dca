"""What the experiments on scenes share: settings, data, and how training scenes are changed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from experiments.common import supervised
from lab import validation
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras

    from lab.data import AnnotatedScenes, Scenes
    from lab.supervised import Training
    from lab.vision.augmentation import Pictures

    AnyScenes: TypeAlias = Scenes | AnnotatedScenes

FRAMES = 8  # pictures of the GIF over training
SHOWN = 8  # scenes in each of them
CHECKED = 200  # scenes that are evaluated after each epoch


@dataclass(frozen=True)
class PictureSettings(supervised.Supervised):
    """Settings of the training of a detector or a segmenter."""

    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", "cutmix")
    several_devices: ClassVar[bool] = False
    compared: ClassVar[bool] = False  # whether the settings are those of several models
    size: Annotated[int, Interval(32, 2048)] = 128
    """Pixels on a side. A multiple of 32."""
    width: Annotated[float, Interval(0.05, 4)] = 0.5
    """The backbone's channels, as a share of ResNet-18's."""
    channels: Annotated[int, Interval(1, 1024)] = 64
    """Channels of the pyramid and of the heads."""
    shift: int = 12
    rotation: float = 10.0
    scale: Annotated[float, Interval(1, 10)] = 1.3
    """A training picture is enlarged by a factor from 1 / scale to scale."""
    colour: Annotated[float, Interval(0, 1)] = 0.3
    """The greatest change of a training picture's brightness, contrast, saturation and hue."""
    mosaic: Annotated[float, Interval(0, 1)] = 0.0
    """Share of the training pictures that are put together of four."""
    epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 2e-3
    clip_norm: float = 1.0
    ema: float = 0.998

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.size % 32 == 0, "size", "a multiple of 32, the backbone's greatest stride", self.size)
        validation.require(self.shift < self.size, "shift", f"less than the picture's {self.size} pixels", self.shift)

    def held(self, pictures: int, flag: str) -> list[memory.Need]:
        """What a run with so many pictures holds. `flag` lowers their number."""
        return [
            memory.Need("pictures", memory.array(5, pictures, self.size**2, item=1), f"{flag}, --size"),
            memory.Need("maps of a batch", memory.array(8 * self.batch_size, self.size**2, 8), "--batch-size, --size"),
        ]


@dataclass(frozen=True)
class SceneSettings(PictureSettings, supervised.Sampled):
    """Settings of scenes, and of training on them."""

    samples: Annotated[int, Interval(1, 10**7)] = 10_000
    """Scenes to train on. Each epoch changes them anew."""
    test_samples: Annotated[int, Interval(1, 10**6)] = 500
    """Scenes of each test."""
    most: Annotated[int, Interval(1, 200)] = 8
    """The greatest number of objects of a scene. A ninth of the scenes or so has none."""
    photographs: bool = False
    """Train in front of photographs of scikit-image, too. The extra `data` installs it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.photographs:
            from lab.data import textures

            textures.require_packages(textures.MORE_PHOTOGRAPHS)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        # The scenes, those of an epoch, and two tests.
        return self.held(2 * self.samples + 2 * self.test_samples, "--samples, --test-samples")


def drawn(config: SceneSettings, seeds: list[int]) -> "tuple[Scenes, Scenes, Scenes]":
    """Scenes to train on; to test on, with other faces and textures; and those on photographs."""
    from lab.data import KNOWN_TEXTURES, MORE_PHOTOGRAPHS, NEW_TEXTURES, PHOTOGRAPHS, scenes
    from lab.data.scenes import NEW_FACES

    size, objects, count = config.size, (0, config.most), config.test_samples
    known = (*KNOWN_TEXTURES, *MORE_PHOTOGRAPHS) if config.photographs else KNOWN_TEXTURES
    train = scenes(config.samples, size=size, objects=objects, backgrounds=known, seed=seeds[0])
    new, photographs = (
        scenes(count, size=size, objects=objects, faces=NEW_FACES, backgrounds=backgrounds, seed=seed)
        for backgrounds, seed in ((NEW_TEXTURES, seeds[1]), (PHOTOGRAPHS, seeds[2]))
    )
    return train, new, photographs


def changed(config: PictureSettings, scenes: "Pictures", seed: int, epoch: int, *, least: float = 0.3) -> "Pictures":
    """Training pictures as an epoch sees them: moved, turned, enlarged, in other colours.

    Args:
        config: what is changed.
        scenes: the pictures.
        seed: of all epochs.
        epoch: from 0.
        least: the least share of an object that must be left inside.
    """
    import numpy as np

    from lab.vision import Augmentation, augment

    how = Augmentation(
        flip=0.5 * config.flip,
        scale=config.scale,
        shift=config.shift / config.size,
        rotation=config.rotation,
        colour=config.colour,
        mosaic=config.mosaic,
        least=least,
    )
    return augment(scenes, how, seed=int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


def fitted(
    track: Track,
    config: PictureSettings,
    network: "keras.Model",
    train: "AnyScenes",
    shown: "AnyScenes",
    *,
    pair: "Callable[[Any], supervised.Pair]",
    picture: "Callable[[Training, Any], Any]",
    seed: int,
    loss: "Callable",
    metrics: Sequence[Any] = (),
    least: float = 0.3,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    kept: "keras.Model",
) -> "Training":
    """Trains a network on scenes, from the newest checkpoint on, and keeps a model of it.

    Args:
        track: of the run.
        config: settings.
        network: which is trained.
        train: scenes to train on, changed anew in each epoch.
        shown: scenes to validate on. The first ones make the GIF over training.
        pair: a function of scenes -> (pictures, targets).
        picture: a function of the training and of scenes -> a figure of what it says of them.
        seed: of the order and of the augmentation.
        loss: of targets and outputs.
        metrics: of Keras, of the validation.
        least: as in `changed`.
        callbacks: called before the pictures are made.
        kept: the model that is saved. It has the network's weights.
    """
    import numpy as np

    from lab.supervised import Training

    order, for_changes = map(int, np.random.SeedSequence(seed).generate_state(2))
    training = Training(
        network,
        replace(config, shift=0, flip=False, rotation=0.0),  # `changed` moves pictures together with their targets
        steps_per_epoch=len(train.images) // config.batch_size,
        loss=loss,
        metrics=list(metrics),
        seed=order,
    )

    def epoch(number: int) -> supervised.Pair:
        return pair(changed(config, train, for_changes, number, least=least))

    some = first(shown, SHOWN)
    every = [*callbacks, _frame_by_frame(track, config, lambda: picture(training, some))]
    supervised.fit(track, training, epoch, validation=pair(spread(shown, CHECKED)), callbacks=every, at_once=config.batch_size)
    track.model(kept)
    return training


def _frame_by_frame(track, config, picture):
    """A callback that keeps a figure of some epochs, and makes training.gif of them at the end."""
    import keras

    from lab.gan.callbacks import frames
    from lab.gan.pictures import animate

    every = -(-config.epochs // FRAMES)

    def end(epoch, logs):
        if (epoch + 1) % every == 0 or epoch + 1 == config.epochs:
            track.figure(f"epoch-{epoch + 1}.png", picture(), dpi=60)
        if epoch + 1 == config.epochs:
            animate(track.artifacts / "training.gif", frames(track.artifacts, "epoch-*.png"), milliseconds=700)
            track.artifact("training.gif")

    return keras.callbacks.LambdaCallback(on_epoch_end=end)


def first(scenes: "Pictures", count: int) -> "Pictures":
    """The first scenes; all where there are fewer."""
    return _chosen(scenes, range(min(count, len(scenes.images))))


def spread(scenes: "Pictures", count: int) -> "Pictures":
    """So many of the scenes, evenly spread over their order; all where there are fewer."""
    import numpy as np

    total = len(scenes.images)
    return _chosen(scenes, np.linspace(0, total - 1, min(total, count)).astype(int).tolist())


def _chosen(scenes, indices):
    """The scenes at these places. A field of theirs is an array, a tuple or None."""
    parts = (
        part[list(indices)] if hasattr(part, "shape") else part and tuple(part[index] for index in indices) for part in scenes
    )
    return type(scenes)(*parts)


def require_used(config: PictureSettings, choice: str, unused: Mapping[str, Sequence[str]]) -> None:
    """Settings that a choice does not use must have their defaults, except in comparisons.

    Args:
        config: the settings.
        choice: the field with the choice.
        unused: {value of the choice: fields that it does not use}.
    """
    if config.compared:
        return
    chosen = getattr(config, choice)
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    for name in unused.get(chosen, ()):
        validation.require(getattr(config, name) == usual[name], name, f"{usual[name]} with {chosen}", getattr(config, name))
