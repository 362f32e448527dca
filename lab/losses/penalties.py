"""Penalties that keep a discriminator smooth, without their weights: the caller multiplies.

`critic` is a function x `[B, ...]` -> logits `[B]` or `[B, 1]`; the gradients are of the sum of logits, so that each sample has its own.
They may be differentiated again, inside compiled programs too.
"""

import math

import keras
from keras import ops

from lab import engine


def gradient_penalty(critic, real, fake, *, seed, target=1.0):
    """E (|grad D(x^)| - target)^2 at x^ = u x + (1-u) x', u uniform in [0, 1) per sample (Gulrajani et al. 2017, Algorithm 1).

    Args:
        real, fake: samples `[B, ...]` of one shape.
        seed: a `keras.random.SeedGenerator`.
        target: the norm that is wanted.
    """
    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    if tuple(real.shape) != tuple(fake.shape):
        raise ValueError(f"fake: expected the shape of real, {tuple(real.shape)}, received {tuple(fake.shape)}.")
    ones = (1,) * (len(real.shape) - 1)
    u = keras.random.uniform((ops.shape(real)[0], *ones), dtype=real.dtype, seed=seed)
    return ops.mean(ops.square(_norm(_gradient(critic, u * real + (1.0 - u) * fake)) - target))


def r1(critic, real):
    """E |grad D(x)|^2 / 2 over real samples (Mescheder et al. 2018, eq. 9, without gamma)."""
    return 0.5 * ops.mean(_square(_gradient(critic, real)))


def r2(critic, fake):
    """E |grad D(x)|^2 / 2 over fake samples (Mescheder et al. 2018, eq. 10, without gamma)."""
    return 0.5 * ops.mean(_square(_gradient(critic, fake)))


def drift(real):
    """E D(x)^2 over the logits of real samples, which keeps them near 0 (Karras et al. 2018, appendix A.1)."""
    return ops.mean(ops.square(real))


def path_length(generator, latent, average, *, seed, decay=0.99):
    """E (|J^T y| - a)^2, how unevenly the generator stretches its latent space (Karras et al. 2020, eq. 4).

    y is an image of standard normal pixels over sqrt(H W), a the moving average of the lengths.

    Args:
        generator: function of latents `[B, D]` -> images `[B, H, W, C]`.
        latent: where the Jacobian J is taken, `[B, D]`.
        average: a, a scalar tensor.
        seed: a `keras.random.SeedGenerator`.
        decay: of the moving average.

    Returns:
        (penalty, new a); no gradient flows through a.
    """

    def along_noise(latent):
        images = generator(latent)
        noise = keras.random.normal(ops.shape(images), dtype=images.dtype, seed=seed)
        return ops.sum(images * noise) / math.sqrt(images.shape[1] * images.shape[2]), ()

    _, gradient = engine.value_and_grad(along_noise)(latent)
    lengths = _norm(gradient)
    average = decay * average + (1.0 - decay) * ops.mean(ops.stop_gradient(lengths))
    return ops.mean(ops.square(lengths - average)), average


def _gradient(critic, x):
    _, gradient = engine.value_and_grad(lambda x: (ops.sum(critic(x)), ()))(ops.convert_to_tensor(x))
    return gradient


def _square(gradient):
    """|g|^2 of each sample, `[B]`."""
    return ops.sum(ops.square(ops.reshape(gradient, (ops.shape(gradient)[0], -1))), axis=-1)


def _norm(gradient):
    """|g| of each sample, `[B]`; its own gradient is 0 where g is."""
    square = _square(gradient)
    positive = square > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, square, 1.0)), 0.0)
