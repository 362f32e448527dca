"""Programs for test_sharding.py: `python -m tests.engine.on_devices FOLDER KIND:DEVICES:NAME ...`.

Each trains on so many devices for two epochs, from the newest checkpoint in FOLDER/NAME on, and
writes all state to FOLDER/NAME.npz. KIND is "classifier" or a family of GANs. What is named
"killed..." ends after one epoch, the last of them with its process.
"""

import os
import sys
from pathlib import Path

import keras
import numpy as np

from lab.runs import checkpoint, devices


def classifier():
    """(state, train from an epoch on) of a network with batch normalisation and dropout."""
    from lab.supervised import Training
    from lab.supervised.recipe import Recipe

    def glorot(seed):
        return keras.initializers.GlorotUniform(seed=seed)

    x = image = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(4, 3, use_bias=False, kernel_initializer=glorot(1))(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dropout(0.3, seed=4)(keras.layers.Flatten()(x))
    network = keras.Model(image, keras.layers.Dense(3, kernel_initializer=glorot(2))(x))
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, size=(67, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 67)
    recipe = Recipe(epochs=2, batch_size=16, ema=0.9, shift=1, flip=True)
    training = Training(network, recipe, steps_per_epoch=4, classes=3, seed=0)

    def fit(start, save):
        history = training.fit(x, y, validation=(x[:21], y[:21]), initial_epoch=start, callbacks=[save])
        return history.history | {"predicted": training.predict(x[:13]).tolist()}

    return training.state, fit


def gan(family):
    """(state, train from an epoch on) of a GAN on a mixture."""
    from experiments.common import mixture
    from lab.data import ring

    sizes = {"samples": 96, "batch_size": 8, "generator_units": 8, "discriminator_units": 8}
    config = mixture.Mixture(family=family, **sizes)
    made = mixture.make(config, 3, 0.5)
    x = ring().sample(config.samples, np.random.default_rng(0))

    def fit(start, save):
        return made.fit(x, None, config.turn_size, epochs=2, initial_epoch=start, verbose=0, callbacks=[save]).history

    return made.state, fit


class Killed(Exception):
    pass


def train(folder, kind, count, name, last):
    devices.use(int(count))
    state, fit = classifier() if kind == "classifier" else gan(kind)
    found = checkpoint.restore(folder / name, state, config_digest="x")

    def save(epoch, logs):
        checkpoint.save(folder / name, epoch + 1, state, config_digest="x")
        if name.startswith("killed") and found is None:
            if last:
                os._exit(9)
            raise Killed

    try:
        history = fit(found.step if found else 0, keras.callbacks.LambdaCallback(on_epoch_end=save))
    except Killed:
        return
    placed = {len(variable.value.sharding.device_set) for variable in state}
    assert placed == {int(count)}, placed  # a copy on each device
    arrays = {f"{i:03d}": np.asarray(variable) for i, variable in enumerate(state)}
    np.savez(folder / f"{name}.npz", **arrays, **{f"history {key}": np.asarray(values) for key, values in history.items()})


if __name__ == "__main__":
    folder, *jobs = sys.argv[1:]
    for position, job in enumerate(jobs):
        train(Path(folder), *job.split(":"), position == len(jobs) - 1)
