"""Programs for test_devices.py: `python -m tests.engine.on_devices KIND DEVICES EPOCHS CHECKPOINTS OUT`.

Trains on so many devices for so many epochs in all, from the newest checkpoint on, and writes all
state. KIND is "classifier" or a family of GANs.
"""

import os
import sys
from pathlib import Path

import keras
import numpy as np

from lab.runs import checkpoint, devices


def classifier(epochs):
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
    recipe = Recipe(epochs=epochs, batch_size=16, ema=0.9, shift=1, flip=True)
    training = Training(network, recipe, steps_per_epoch=4, classes=3, seed=0)

    def fit(start, save):
        history = training.fit(x, y, validation=(x[:21], y[:21]), initial_epoch=start, callbacks=[save])
        return history.history | {"predicted": training.predict(x[:13]).tolist()}

    return training.state, fit


def gan(epochs, family):
    """(state, train from an epoch on) of a GAN on a mixture."""
    from experiments.common import mixture
    from lab.data import ring

    config = mixture.Mixture(family=family, samples=240, batch_size=8, generator_units=8, discriminator_units=8, epochs=epochs)
    made = mixture.make(config, 3, 0.5)
    x = ring().sample(240, np.random.default_rng(0))

    def fit(start, save):
        return made.fit(x, None, config.turn_size, epochs=epochs, initial_epoch=start, verbose=0, callbacks=[save]).history

    return made.state, fit


def main(kind, count, epochs, folder, out):
    """Trains, and writes what came out."""
    devices.use(int(count))
    state, fit = classifier(int(epochs)) if kind == "classifier" else gan(int(epochs), kind)
    folder = Path(folder)
    found = checkpoint.restore(folder, state, config_digest="x")

    def save(epoch, logs):
        checkpoint.save(folder, epoch + 1, state, config_digest="x")
        if os.environ.get("DIE_AFTER") == str(epoch + 1):
            os._exit(9)

    history = fit(found.step if found else 0, keras.callbacks.LambdaCallback(on_epoch_end=save))
    placed = {len(variable.value.sharding.device_set) for variable in state}
    assert placed == {int(count)}, placed  # a copy on each device
    arrays = {f"{i:03d} {variable.path}": np.asarray(variable) for i, variable in enumerate(state)}
    np.savez(out, **arrays, **{f"history {name}": np.asarray(values) for name, values in history.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
