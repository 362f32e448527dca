"""Networks from an observation to a vector of features, for the dense layers of an agent."""

import keras
import numpy as np

from lab.data.conventions import require_channels_last
from lab.models.actor_critic import nature_torso

SMALLEST = 36  # pixels of a side, for the convolutions of Mnih et al. 2015
CHANNELS = 16  # an image with at most so many rows or columns has its channels there or last


def image_encoder(shape: tuple[int, ...], *, scale: float = 1.0, seed: int, name: str = "image") -> keras.Model:
    """Convolutions over an image: `[B, H, W, C]`, `[B, C, H, W]` or `[B, H, W]` -> `[B, F]`.

    From 36 x 36 pixels on they are those of Mnih et al. 2015, with F = 512. Smaller images get

        16 filters 3 x 3;  32 filters 3 x 3;  dense, 128 units

    with zero padding, ReLU and orthogonal weights.

    Args:
        shape: of one image. Channels come first if the first number is at most 16 and the last is
            larger.
        scale: pixels are multiplied by it, such as 1/255.
        seed: of the initial weights.
        name: of the model.
    """
    require_channels_last()
    inputs = x = keras.Input(shape)
    if len(shape) == 2:
        x = keras.layers.Reshape((*shape, 1))(x)
    elif shape[0] <= CHANNELS < shape[2]:
        x = keras.layers.Permute((2, 3, 1))(x)
    small = min(x.shape[1:3]) < SMALLEST
    for layer in _small_torso(scale, seed) if small else nature_torso(scale=scale)(seed):
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def sequence_encoder(shape: tuple[int, ...], *, units: int = 64, seed: int, name: str = "sequence") -> keras.Model:
    """The last output of a GRU (Cho et al. 2014): `[B, T, D]` -> `[B, units]`.

    Args:
        shape: (T, D).
        units: of the GRU.
        seed: of the initial weights.
        name: of the model.
    """
    kernel, recurrent = np.random.SeedSequence(seed).generate_state(2).tolist()
    layer = keras.layers.GRU(
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=kernel),
        recurrent_initializer=keras.initializers.Orthogonal(seed=recurrent),
        unroll=True,  # XLA cannot compile the gradient of Keras's loop
    )
    return keras.Sequential([keras.Input(shape), layer], name=name)


def _small_torso(scale, seed):
    seeds = iter(np.random.SeedSequence(seed).generate_state(3).tolist())

    def orthogonal():
        return keras.initializers.Orthogonal(2**0.5, seed=next(seeds))

    convolutions = [
        keras.layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=orthogonal())
        for filters in (16, 32)
    ]
    dense = keras.layers.Dense(128, "relu", kernel_initializer=orthogonal())
    return [keras.layers.Rescaling(scale), *convolutions, keras.layers.Flatten(), dense]
