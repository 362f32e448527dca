"""Keras callbacks that draw and score a GAN while it trains, on a schedule.

Pictures are files of the folder that they are given, and `keep(name)` is told of each. What becomes
of them is up to the experiment. A picture is a function of the weights alone, so that a resumed run
makes the same ones again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from lab.gan import pictures
from lab.gan.latent_space import slerp
from lab.gan.translation import translate

Schedule = Callable[[int], set[int]]
Keep = Callable[[str], Any]


def log_spaced(epochs: int) -> set[int]:
    """Epochs 0 (before training), 1, 2, 4, 8, ... and the last."""
    return {0, *(2**k for k in range(epochs.bit_length()) if 2**k <= epochs), epochs}


class Scheduled(keras.callbacks.Callback):
    """Calls `on_schedule(epoch, logs)` after the epochs of a schedule; 0 is before training.

    Args:
        schedule: function, number of epochs -> the epochs, counted from 1.
    """

    def __init__(self, schedule: Schedule = log_spaced) -> None:
        super().__init__()
        self.schedule = schedule

    def on_schedule(self, epoch: int, logs: dict[str, Any]) -> None:
        """What there is to do; a subclass says it."""
        raise NotImplementedError

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before all training."""
        if epoch == 0 and 0 in self.schedule(self.params["epochs"]):
            self.on_schedule(0, {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After an epoch of the schedule."""
        if epoch + 1 in self.schedule(self.params["epochs"]):
            self.on_schedule(epoch + 1, {} if logs is None else logs)


class SampleGrid(Scheduled):
    """The samples of fixed latents as `samples-<epoch>.png`.

    Args:
        folder: where to.
        latents, labels: of the averaged generator, `[N, Z]` and `[N]` or None.
        keep: called with each file's name.
        columns: of the grid.
        title: above the grid, with the epoch.
        **words: row_labels and column_labels of `lab.gan.labels.with_labels`.
    """

    def __init__(
        self,
        folder: str | Path,
        latents: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        keep: Keep = lambda name: None,
        columns: int = 10,
        schedule: Schedule = log_spaced,
        title: str = "generated images",
        **words: Any,
    ) -> None:
        super().__init__(schedule)
        self.folder = Path(folder)
        self.latents = latents
        self.labels = labels
        self.keep = keep
        self.columns = columns
        self.title = title
        self.words = words

    def on_schedule(self, epoch: int, logs: dict[str, Any]) -> None:
        """Draws the samples and keeps the file."""
        name = f"samples-{epoch:04d}.png"
        images = self.model.decode(self.latents, self.labels)
        title = f"{self.title}, epoch {epoch}"
        pictures.save_grid(self.folder / name, images, columns=self.columns, title=title, **self.words)
        self.keep(name)


class TranslationSheet(Scheduled):
    """Fixed pictures above their translations, as `translated-<epoch>.png`.

    Args:
        folder, keep: as of `SampleGrid`.
        sources: pictures `[N, H, W, C]`.
        targets: what they should become, `[N, H, W, C']`, as a third row; None where nobody knows.
        back: see `lab.gan.translate`.
        title: above the sheet, with the epoch.
        column_labels: of the pictures.
    """

    def __init__(
        self,
        folder: str | Path,
        sources: np.ndarray,
        targets: np.ndarray | None = None,
        *,
        back: bool = False,
        keep: Keep = lambda name: None,
        schedule: Schedule = log_spaced,
        title: str = "translated pictures",
        column_labels: Sequence[Any] = (),
    ) -> None:
        super().__init__(schedule)
        self.folder = Path(folder)
        self.sources = sources
        self.targets = targets
        self.back = back
        self.keep = keep
        self.title = title
        self.column_labels = column_labels

    def on_schedule(self, epoch: int, logs: dict[str, Any]) -> None:
        """Draws the sheet and keeps the file."""
        name = f"{'back' if self.back else 'translated'}-{epoch:04d}.png"
        made = translate(self.model.average, self.sources, back=self.back)
        title = f"{self.title}, epoch {epoch}"
        pictures.save_rows(self.folder / name, self.sources, made, self.targets, title=title, column_labels=self.column_labels)
        self.keep(name)


class Interpolation(keras.callbacks.Callback):
    """After training, the samples between pairs of latents as `interpolation.gif`, a pair a cell.

    Args:
        folder, keep: as of `SampleGrid`.
        pairs: latents `[N, 2, Z]`, from which and to which.
        labels: of each pair, `[N]` or None.
        steps: pictures from one end to the other.
    """

    def __init__(
        self,
        folder: str | Path,
        pairs: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        keep: Keep = lambda name: None,
        steps: int = 24,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.pairs = pairs
        self.labels = labels
        self.keep = keep
        self.steps = steps

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the samples and keeps the file."""
        latents = np.concatenate([slerp(start, end, self.steps) for start, end in self.pairs])
        made = self.model.decode(latents, None if self.labels is None else np.repeat(self.labels, self.steps))
        rows = made.reshape(len(self.pairs), self.steps, *made.shape[1:])
        pictures.save_interpolation(self.folder / "interpolation.gif", rows)
        self.keep("interpolation.gif")


class Plane(Scheduled):
    """Samples in the plane over the discriminator's output, as `plane-<epoch>.png`.

    `pictures.animate` makes a GIF of them.

    Args:
        folder, keep: as of `SampleGrid`.
        real: real samples to show, `[N, 2]`.
        latents: of the generated samples, `[M, Z]`.
        frames: how many pictures, evenly over training.
    """

    def __init__(
        self,
        folder: str | Path,
        real: np.ndarray,
        latents: np.ndarray,
        *,
        keep: Keep = lambda name: None,
        frames: int = 25,
    ) -> None:
        super().__init__(lambda epochs: {round(i * epochs / min(frames, epochs)) for i in range(min(frames, epochs) + 1)})
        self.folder = Path(folder)
        self.real = real
        self.latents = latents
        self.keep = keep

    def on_schedule(self, epoch: int, logs: dict[str, Any]) -> None:
        """Draws the samples and keeps the file."""
        name = f"plane-{epoch:04d}.png"
        made = self.model.decode(self.latents)
        surface = pictures.surface(self.model, self.real)
        pictures.save_plane(self.folder / name, self.real, made, surface, title=f"Samples after epoch {epoch}")
        self.keep(name)


class Score(Scheduled):
    """Adds the numbers that a function of the GAN gives to the epoch's logs, for later callbacks.

    Args:
        function: GAN -> dict of numbers.
        times: how often, evenly over training, the last epoch included.
    """

    def __init__(self, function: Callable[[Any], dict[str, float]], *, times: int = 20) -> None:
        super().__init__(lambda epochs: {round((i + 1) * epochs / min(times, epochs)) for i in range(min(times, epochs))})
        self.function = function

    def on_schedule(self, epoch: int, logs: dict[str, Any]) -> None:
        """Adds the numbers."""
        logs.update(self.function(self.model))


def frames(folder: Path, pattern: str) -> list[Path]:
    """The pictures that callbacks left in a folder, in the order of their epochs."""
    return sorted(folder.glob(pattern), key=lambda path: (len(path.name), path.name))
