"""Keras callbacks that look at a GAN while it trains: pictures on a schedule, scores on a schedule.

Pictures are files of the folder that they are given, and `keep(name)` is told of each: what an experiment's track does with them is not
theirs to know. A picture is a function of the weights alone, so that a resumed run makes the same ones again.
"""

from pathlib import Path

import keras
import numpy as np

from lab.gan import pictures
from lab.gan.latent_space import slerp


def log_spaced(epochs):
    """Epochs 0 (before training), 1, 2, 4, 8, ... and the last."""
    return {0, *(2**k for k in range(epochs.bit_length()) if 2**k <= epochs), epochs}


class Scheduled(keras.callbacks.Callback):
    """Calls `look(epoch, logs)` before training and after the epochs of a schedule, counted from 1.

    Args:
        schedule: function, number of epochs -> the epochs.
    """

    def __init__(self, schedule=log_spaced):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        """Before all training."""
        if epoch == 0 and 0 in self.schedule(self.params["epochs"]):
            self.look(0, {})

    def on_epoch_end(self, epoch, logs=None):
        """After an epoch of the schedule."""
        if epoch + 1 in self.schedule(self.params["epochs"]):
            self.look(epoch + 1, {} if logs is None else logs)


class SampleGrid(Scheduled):
    """The samples of fixed latents as `samples-<epoch>.png`.

    Args:
        folder: where to.
        latents, labels: of the averaged generator, `[N, Z]` and `[N]` or None.
        keep: called with each file's name.
        columns: of the grid.
    """

    def __init__(self, folder, latents, labels=None, *, keep=lambda name: None, columns=10, schedule=log_spaced):
        super().__init__(schedule)
        self.folder = Path(folder)
        self.latents = latents
        self.labels = labels
        self.keep = keep
        self.columns = columns

    def look(self, epoch, logs):
        """Draws and keeps."""
        name = f"samples-{epoch:04d}.png"
        pictures.save_grid(self.folder / name, self.model.decode(self.latents, self.labels), columns=self.columns)
        self.keep(name)


class Interpolation(keras.callbacks.Callback):
    """After training, what lies between pairs of latents, a way in each cell, as `interpolation.gif`.

    Args:
        folder, keep: as of `SampleGrid`.
        pairs: latents `[N, 2, Z]`, the two ends of each way.
        labels: of each way, `[N]` or None.
        steps: pictures from one end to the other.
    """

    def __init__(self, folder, pairs, labels=None, *, keep=lambda name: None, steps=24):
        super().__init__()
        self.folder = Path(folder)
        self.pairs = pairs
        self.labels = labels
        self.keep = keep
        self.steps = steps

    def on_train_end(self, logs=None):
        """Draws and keeps."""
        latents = np.concatenate([slerp(start, end, self.steps) for start, end in self.pairs])
        made = self.model.decode(latents, None if self.labels is None else np.repeat(self.labels, self.steps))
        pictures.save_interpolation(
            self.folder / "interpolation.gif", made.reshape(len(self.pairs), self.steps, *made.shape[1:])
        )
        self.keep("interpolation.gif")


class Plane(Scheduled):
    """Samples in the plane over the discriminator's surface, as `plane-<epoch>.png`; `pictures.animate` makes a GIF of them.

    Args:
        folder, keep: as of `SampleGrid`.
        real: real samples to show, `[N, 2]`.
        latents: `[M, Z]`.
        frames: how many pictures, evenly over training.
    """

    def __init__(self, folder, real, latents, *, keep=lambda name: None, frames=25):
        super().__init__(lambda epochs: {round(i * epochs / min(frames, epochs)) for i in range(min(frames, epochs) + 1)})
        self.folder = Path(folder)
        self.real = real
        self.latents = latents
        self.keep = keep

    def look(self, epoch, logs):
        """Draws and keeps."""
        name = f"plane-{epoch:04d}.png"
        made = self.model.decode(self.latents)
        pictures.save_plane(
            self.folder / name, self.real, made, pictures.surface(self.model, self.real), title=f"epoch {epoch}"
        )
        self.keep(name)


class Score(Scheduled):
    """Adds the numbers that a function of the GAN gives to the epoch's logs, for the callbacks after it.

    Args:
        function: GAN -> dict of numbers.
        times: how often, evenly over training, the last epoch included.
    """

    def __init__(self, function, *, times=20):
        super().__init__(lambda epochs: {round((i + 1) * epochs / min(times, epochs)) for i in range(min(times, epochs))})
        self.function = function

    def look(self, epoch, logs):
        """Scores."""
        logs.update(self.function(self.model))


def frames(folder, pattern):
    """The pictures that callbacks left in a folder, in the order of their epochs."""
    return sorted(folder.glob(pattern), key=lambda path: (len(path.name), path.name))
