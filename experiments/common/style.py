"""What the experiments on style and texture share: settings, previews, a GIF."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from lab import validation
from lab.engine.precision import Precision
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.vision.style import Features

FRAMES = 50  # previews of a run at most


@dataclass(frozen=True)
class Optimization:
    """Settings of pictures that are optimised."""

    features: str = "pyramid"
    """Whose maps describe style. pyramid and vgg have random filters; else a run with a trained
    plain network, such as VGG."""
    levels: Annotated[int, Interval(1, 10)] = 5
    """Levels of the pyramid. The coarsest map should have 16 pixels or more: a smaller one says
    where things are."""
    filters: Annotated[int, Interval(1, 2048)] = 128
    """Random filters of each level of the pyramid."""
    filter_size: Annotated[int, Interval(1, 31)] = 7
    """Pixels on a side of the pyramid's filters."""
    steps: Annotated[int, Interval(1, 10**6)] = 200
    """Steps of the optimizer."""
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    """L-BFGS of SciPy, or Adam."""
    learning_rate: Annotated[float, Interval(over=0, high=10)] = 0.02
    """Adam's step size at the start; it falls to 0."""
    preview_every: Annotated[int, Interval(1, 10**6)] = 20
    """Steps from one preview to the next. There are 50 at most."""
    precision: Precision = "float32"
    """Numbers that convolutions compute with; see `Recipe`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        if self.features not in ("pyramid", "vgg"):
            from experiments.common.folders import weights_of

            weights_of(self.features)

    @property
    def least_side(self) -> int:
        """Pixels of the smallest side that the features take; 1 where only the run knows."""
        return {"pyramid": 2 ** (self.levels - 1) * max(self.filter_size // 2, 1), "vgg": 16}.get(self.features, 1)

    def require_sides(self, **sides: int) -> None:
        """Raises a ValueError if a picture has too few pixels on a side."""
        for name, side in sides.items():
            expected = f"a picture of at least {self.least_side} pixels on a side, or fewer --levels"
            validation.require(side >= self.least_side, name, expected, side)

    def described(self, seed: int) -> "Features":
        """The network in whose maps style is described."""
        from lab.vision.style import plain_features, random_pyramid, random_vgg

        if self.features == "pyramid":
            options = {"levels": self.levels, "filters": self.filters, "size": self.filter_size}
            return random_pyramid(**options, precision=self.precision, seed=seed)
        if self.features == "vgg":
            return random_vgg(precision=self.precision, seed=seed)
        import keras

        import lab.vision  # noqa: F401  registers the layers of saved models
        from experiments.common.folders import weights_of

        model = keras.saving.load_model(weights_of(self.features), compile=False)
        return plain_features(model, precision=self.precision)

    def options(self) -> dict[str, Any]:
        """Arguments of `stylize` and `synthesize`."""
        return {"steps": self.steps, "optimizer": self.optimizer, "learning_rate": self.learning_rate}


def reporter(
    track: Track, config: Optimization, name: str, start: int = 0, finish: "Callable[[np.ndarray], np.ndarray] | None" = None
) -> "Callable[[int, dict[str, float], np.ndarray], None]":
    """A `Report` that logs the losses and leaves previews as `<name>-<step>.png`.

    Args:
        track: of the run.
        config: settings.
        name: of the files.
        start: steps of the run before these.
        finish: a function of a picture -> the picture to show.
    """
    every = max(config.preview_every, -(-config.steps // FRAMES))

    def report(step: int, losses: dict[str, float], picture: "np.ndarray") -> None:
        if step % every == 0 or step == 1:
            track.log({f"{key}_loss": value for key, value in losses.items()}, start + step)
            save(track, f"{name}-{step:05d}.png", finish(picture) if finish else picture)

    return report


def save(track: Track, name: str, picture: "np.ndarray") -> None:
    """Writes a picture from -1 to 1 as an artifact."""
    from PIL import Image

    from lab.data.conventions import as_bytes

    Image.fromarray(as_bytes(picture)).save(track.artifacts / name)
    track.artifact(name)


def animate(track: Track, name: str) -> None:
    """A GIF of the previews."""
    from lab.gan import pictures
    from lab.gan.callbacks import frames

    found = frames(track.artifacts, f"{name}-*.png")
    if found:  # an optimizer that begins at its goal takes no step
        pictures.animate(track.artifacts / "training.gif", found, milliseconds=150)
        track.artifact("training.gif")


def require_pictures(**names: str) -> None:
    """Raises a ValueError unless each setting is the name or the path of a picture."""
    from lab.data.pictures_by_name import require_picture

    for setting, name in names.items():
        try:
            require_picture(name)
        except ValueError as error:
            raise ValueError(f"--{setting}: {error}") from error


def pictures_of(folder: str, shipped: Sequence[str], *, without: Sequence[str] = ()) -> list[str]:
    """The pictures to train on: the paths of a folder's, or those that libraries ship.

    Args:
        folder: "" for the shipped ones.
        shipped: names. Those of scikit-image are left out where it is not installed.
        without: the pictures to test on, by name or by path.
    """
    import importlib.util
    import os

    from lab.data import MORE_PHOTOGRAPHS, pictures_in

    if folder:
        try:
            paths = pictures_in(folder, 8)
        except ValueError as error:
            raise ValueError(f"--pictures: {error}") from error
        tested = {os.path.realpath(name) for name in without}
        found = [str(path) for path in paths if os.path.realpath(path) not in tested]
        validation.require(found, "pictures", "a folder with more than the pictures to test on", folder)
        return found
    there = importlib.util.find_spec("skimage") is not None
    return [name for name in shipped if name not in without and (there or name not in MORE_PHOTOGRAPHS)]


def at_epochs(epochs: int, show: "Callable[[int, Any], None]") -> "list[keras.callbacks.Callback]":
    """A callback that shows something after epochs 1, 2, 4, ... and the last."""
    import keras

    from lab.gan.callbacks import log_spaced

    def end(epoch, logs):
        if epoch + 1 in log_spaced(epochs):
            show(epoch, logs)

    return [keras.callbacks.LambdaCallback(on_epoch_end=end)]
