"""The players of PacGAN's experiments on mixtures."""

import keras
import numpy as np
from keras import ops

from lab.layers import SpectralNormalization


def mixture_generator(latent=2, hidden=(400, 400, 400, 400), outputs=2, *, seed, name="generator"):
    """Latents `[B, latent]` -> samples `[B, outputs]`: dense layers, each batch-normalised and ReLU, and a linear one.

    Kernels start normal with deviation 0.02, as in Lin et al. 2018's code (its section 4.1 names the sizes).
    """
    start = _normal(seed, len(hidden) + 1)
    x = inputs = keras.Input((latent,), name="latent")
    for units in hidden:
        x = keras.layers.Dense(units, use_bias=False, kernel_initializer=next(start))(x)
        x = keras.layers.BatchNormalization(momentum=0.95, epsilon=1e-4)(x)
        x = keras.layers.ReLU()(x)
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer=next(start), dtype="float32")(x), name=name)


def mixture_discriminator(inputs=2, hidden=(200, 200, 200), pieces=5, *, spectral=False, seed, name="discriminator"):
    """Samples `[B, inputs]` -> logits `[B, 1]`: layers of maxout units and a linear one; starts as the generator does.

    Args:
        spectral: whether each linear map has spectral norm 1 (Miyato et al. 2018).
    """
    wrap = SpectralNormalization if spectral else lambda layer: layer
    start = _normal(seed, len(hidden) + 1)
    x = samples = keras.Input((inputs,), name="sample")
    for units in hidden:
        x = wrap(keras.layers.Dense(units * pieces, kernel_initializer=next(start)))(x)
        x = ops.max(keras.layers.Reshape((units, pieces))(x), axis=-1)  # maxout
    return keras.Model(samples, wrap(keras.layers.Dense(1, kernel_initializer=next(start), dtype="float32"))(x), name=name)


def _normal(seed, count):
    return (
        keras.initializers.RandomNormal(stddev=0.02, seed=int(s)) for s in np.random.SeedSequence(seed).generate_state(count)
    )
