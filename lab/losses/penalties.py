"""Penalties that keep a discriminator smooth. The caller multiplies them by a weight.

`critic` is a function x `[B, ...]` -> logits `[B]` or `[B, 1]`. The gradient is that of the sum of
the logits, so each sample has its own. The penalties can be differentiated again, also inside
compiled programs.
"""

import math
from collections.abc import Callable

import keras
from keras import ops

from lab import engine
from lab.engine.types import Tensor


def zero_centred(gradient: Tensor) -> Tensor:
    """E |g|^2 / 2 of the critic's gradients g `[B, ...]`, one for each sample.

    It is R1 at real samples and R2 at fake ones.
    """
    return 0.5 * ops.mean(_square(gradient))


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    *,
    seed: keras.random.SeedGenerator,
    target: float = 1.0,
) -> Tensor:
    """E (|grad D(x^)| - target)^2 at points x^ between real and fake samples.

        x^ = u x + (1 - u) x'

    x is a real and x' a fake sample. u is uniform in [0, 1), drawn once per sample.
    Source: Gulrajani et al. 2017, Algorithm 1.

    Args:
        critic: D, see the module.
        real, fake: samples `[B, ...]` of one shape.
        seed: draws u.
        target: the gradient norm without penalty.
    """
    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    if tuple(real.shape) != tuple(fake.shape):
        raise ValueError(f"fake: expected the shape of real, {tuple(real.shape)}, received {tuple(fake.shape)}.")
    ones = (1,) * (len(real.shape) - 1)
    u = keras.random.uniform((ops.shape(real)[0], *ones), dtype=real.dtype, seed=seed)
    return ops.mean(ops.square(_norm(_gradient(critic, u * real + (1.0 - u) * fake)) - target))


def r1(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """E |grad D(x)|^2 / 2 over real samples (Mescheder et al. 2018, eq. 9, without gamma)."""
    return zero_centred(_gradient(critic, real))


def r2(critic: Callable[[Tensor], Tensor], fake: Tensor) -> Tensor:
    """E |grad D(x)|^2 / 2 over fake samples (Mescheder et al. 2018, eq. 10, without gamma)."""
    return zero_centred(_gradient(critic, fake))


def drift(real: Tensor) -> Tensor:
    """E D(x)^2 over the logits of real samples, to keep them near 0.

    Source: Karras et al. 2018, appendix A.1.
    """
    return ops.mean(ops.square(real))


def path_length(
    generator: Callable[[Tensor], Tensor],
    latent: Tensor,
    average: Tensor,
    *,
    seed: keras.random.SeedGenerator,
    decay: float = 0.99,
) -> tuple[Tensor, Tensor]:
    """E (|J^T y| - a)^2: how unevenly the generator stretches its latent space.

    y is an image of standard normal pixels, divided by sqrt(H W). a is the moving average of the
    lengths |J^T y|. Source: Karras et al. 2020, eq. 4.

    Args:
        generator: a function of latents `[B, D]` -> images `[B, H, W, C]`.
        latent: where to take the Jacobian J, `[B, D]`.
        average: a, a scalar tensor.
        seed: draws y.
        decay: the decay of the moving average.

    Returns:
        (penalty, new a). No gradient flows through a.
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
    """|g| of each sample, `[B]`. Its own gradient is 0 where g is 0."""
    square = _square(gradient)
    positive = square > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, square, 1.0)), 0.0)
