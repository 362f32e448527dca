"""The players of PacGAN's experiments on mixtures (Lin et al. 2018, section 4.1)."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lab.layers import SpectralNormalization


def mixture_generator(
    latent: int = 2,
    hidden: Sequence[int] = (400, 400, 400, 400),
    outputs: int = 2,
    *,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Latents `[B, latent]` -> samples `[B, outputs]`.

    Dense layers with batch normalisation and ReLU, then a linear one. The sizes are those of
    section 4.1. Kernels start normal with standard deviation 0.02, as in the authors' code.

    Args:
        latent: numbers of a latent.
        hidden: units of each hidden layer.
        outputs: numbers of a sample.
        seed: of the initial weights.
        name: of the model.
    """
    initializers = _normal(seed, len(hidden) + 1)
    x = inputs = keras.Input((latent,), name="latent")
    for units in hidden:
        x = keras.layers.Dense(units, use_bias=False, kernel_initializer=next(initializers))(x)
        x = keras.layers.BatchNormalization(momentum=0.95, epsilon=1e-4)(x)
        x = keras.layers.ReLU()(x)
    return keras.Model(
        inputs, keras.layers.Dense(outputs, kernel_initializer=next(initializers), dtype="float32")(x), name=name
    )


def mixture_discriminator(
    inputs: int = 2,
    hidden: Sequence[int] = (200, 200, 200),
    pieces: int = 5,
    *,
    spectral: bool = False,
    seed: int,
    name: str = "discriminator",
) -> keras.Model:
    """Samples `[B, inputs]` -> logits `[B, 1]`: maxout layers and a linear one.

    Kernels start as the generator's.

    Args:
        inputs: numbers of a sample.
        hidden: units of each maxout layer.
        pieces: linear functions of a maxout unit.
        spectral: whether each linear map has spectral norm 1 (Miyato et al. 2018).
        seed: of the initial weights.
        name: of the model.
    """
    wrap = SpectralNormalization if spectral else lambda layer: layer
    initializers = _normal(seed, len(hidden) + 1)
    x = samples = keras.Input((inputs,), name="sample")
    for units in hidden:
        x = wrap(keras.layers.Dense(units * pieces, kernel_initializer=next(initializers)))(x)
        x = ops.max(keras.layers.Reshape((units, pieces))(x), axis=-1)  # maxout
    return keras.Model(
        samples, wrap(keras.layers.Dense(1, kernel_initializer=next(initializers), dtype="float32"))(x), name=name
    )


def _normal(seed, count):
    seeds = np.random.SeedSequence(seed).generate_state(count)
    return (keras.initializers.RandomNormal(stddev=0.02, seed=int(each)) for each in seeds)
