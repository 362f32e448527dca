"""Modern residual players without normalisation, after R3GAN.

Huang et al. 2024, section 4: "config E".
"""

from collections.abc import Iterator

import keras
import numpy as np

from lab.layers import LearntMap, SelfAttention2D
from lab.models.dcgan import discriminator_outputs, doublings_of, image_inputs, latent_inputs

SLOPE = 0.2
GAIN = (2 / (1 + SLOPE**2)) ** 0.5  # of leaky ReLU


def r3gan_generator(
    size: int = 32,
    channels: int = 3,
    *,
    latent: int = 64,
    filters: int = 64,
    blocks: int = 1,
    expansion: int = 2,
    classes: int | None = None,
    attention: bool = False,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]`, not bounded.

    A learnt map of 4 x 4 or 7 x 7 pixels is scaled by a linear function of the latent. Residual
    blocks follow, with bilinear upsampling between them, then a 1 x 1 convolution. A block has
    1 x 1, 3 x 3 and 1 x 1 convolutions, with leaky ReLU before the latter two and biases in the
    first two.

    Differences from the paper:

    1. The 3 x 3 convolutions are not grouped. On a CPU, oneDNN's grouped ones cost more than they
       save.
    2. Resampling is bilinear, or by means, without a further low-pass filter.
    3. There are fewer blocks.

    Args:
        size: pixels on a side: 28, 32 or 64.
        channels: of the images.
        latent: numbers of a latent.
        filters: channels at every resolution.
        blocks: residual blocks at each resolution.
        expansion: width of the inside of a block, over `filters`.
        classes: number of labels. Their one-hot codes are joined to the latents. None: no labels.
        attention: whether there is self-attention before the last resolution.
        seed: of the initial weights.
        name: of the model.
    """
    side, doublings = doublings_of(size)
    seeds = _seeds(seed)
    count = blocks * (doublings + 1)
    z, inputs = latent_inputs(latent, classes)
    scales = keras.layers.Dense(filters, use_bias=False, kernel_initializer=_scaled(1.0, seeds))(z)
    x = LearntMap(side, filters, seed=next(seeds))(scales)
    for stage in range(doublings + 1):
        if stage:
            if attention and stage == doublings:
                x = SelfAttention2D(seed=next(seeds))(x)
            x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
        for _ in range(blocks):
            x = residual(x, expansion, count, seeds)
    images = keras.layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=_scaled(1.0, seeds), dtype="float32")(x)
    return keras.Model(inputs, images, name=name)


def r3gan_discriminator(
    size: int = 32,
    channels: int = 3,
    *,
    filters: int = 64,
    blocks: int = 1,
    expansion: int = 2,
    classes: int | None = None,
    conditioning: str = "projection",
    attention: bool = False,
    outputs: int = 0,
    pac: int = 1,
    seed: int,
    name: str = "discriminator",
) -> keras.Model:
    """Images `[B, size, size, pac * channels]` (and labels `[B]`) -> logits `[B, 1]`.

    With `outputs` it returns [logits, `[B, outputs]`].

    The generator's mirror: a 1 x 1 convolution, residual blocks with average pooling between
    them, a depthwise convolution over the whole last map, a dense layer.

    Args:
        size, channels, filters, blocks, expansion, seed: as of `r3gan_generator`.
        classes, conditioning, outputs, pac: as of `dcgan_discriminator`.
        attention: whether there is self-attention after the first resolution.
        name: of the model.
    """
    side, halvings = doublings_of(size)
    seeds = _seeds(seed)
    count = blocks * (halvings + 1)
    x, inputs, label = image_inputs(size, channels * pac, classes, conditioning)
    x = keras.layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=_scaled(1.0, seeds))(x)
    for stage in range(halvings + 1):
        if stage:
            x = keras.layers.AveragePooling2D(2)(x)
            if attention and stage == 1:
                x = SelfAttention2D(seed=next(seeds))(x)
        for _ in range(blocks):
            x = residual(x, expansion, count, seeds)
    x = keras.layers.DepthwiseConv2D(side, use_bias=False, depthwise_initializer=_scaled(1.0, seeds))(x)
    features = keras.layers.Flatten()(x)
    initializers = (_scaled(1.0, seeds) for _ in range(4))
    logits = discriminator_outputs(features, label, classes, outputs, lambda layer: layer, initializers)
    return keras.Model(inputs, logits, name=name)


def residual(x: keras.KerasTensor, expansion: int, count: int, seeds: Iterator[int]) -> keras.KerasTensor:
    """x + f(x), a residual block that starts as the identity (Zhang et al. 2019, Fixup).

    The last kernel of f starts at 0. The others are scaled by count^(-1/4), with `count` the
    number of blocks of the network.
    """
    filters = x.shape[-1]
    inner = filters * expansion
    gain = GAIN * count**-0.25
    y = keras.layers.Conv2D(inner, 1, kernel_initializer=_scaled(gain, seeds))(x)
    y = keras.layers.Conv2D(inner, 3, padding="same", kernel_initializer=_scaled(gain, seeds))(keras.layers.LeakyReLU(SLOPE)(y))
    y = keras.layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="zeros")(keras.layers.LeakyReLU(SLOPE)(y))
    return keras.layers.Add()([x, y])


def _seeds(seed):
    return iter(np.random.SeedSequence(seed).generate_state(256).tolist())


def _scaled(gain, seeds):
    """N(0, gain²/fan_in)."""
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal", seed=next(seeds))
