"""Modern residual players without normalisation, after R3GAN (Huang et al. 2024, section 4: "config E")."""

import keras
import numpy as np

from lab.layers import LearntMap, SelfAttention2D
from lab.models.dcgan import doublings_of, image_inputs, latent_inputs, verdict

SLOPE = 0.2
GAIN = (2 / (1 + SLOPE**2)) ** 0.5  # of leaky ReLU


def r3gan_generator(
    size=32, channels=3, *, latent=64, filters=64, blocks=1, expansion=2, classes=None, attention=False, seed, name="generator"
):
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]`, not bounded.

    A learnt 4 x 4 or 7 x 7 map scaled by a linear function of the latent, then residual blocks, bilinear upsampling between them, and a
    1 x 1 convolution. A block is 1 x 1, 3 x 3, 1 x 1 convolutions with biases and leaky ReLU before the latter two. Deviations from the paper: the
    3 x 3 convolutions are not grouped (oneDNN's grouped ones cost more than they save here), resampling is bilinear and by means without a
    further low-pass filter, and there are fewer blocks.

    Args:
        filters: channels at every resolution.
        blocks: residual blocks at each resolution.
        expansion: width of a block's inside, over `filters`.
        classes: with labels, their one-hot code stands beside the latent.
        attention: self-attention before the last resolution.
        seed: of the initial weights.
    """
    side, doublings = doublings_of(size)
    start = _seeds(seed)
    count = blocks * (doublings + 1)
    z, arguments = latent_inputs(latent, classes)
    scales = keras.layers.Dense(filters, use_bias=False, kernel_initializer=_scaled(1.0, start))(z)
    basis = LearntMap(side, filters, seed=next(start))
    x = basis(scales)
    for stage in range(doublings + 1):
        if stage:
            if attention and stage == doublings:
                x = SelfAttention2D(seed=next(start))(x)
            x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
        for _ in range(blocks):
            x = residual(x, expansion, count, start)
    images = keras.layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=_scaled(1.0, start), dtype="float32")(x)
    return keras.Model(arguments, images, name=name)


def r3gan_discriminator(
    size=32, channels=3, *, filters=64, blocks=1, expansion=2, classes=None, conditioning="projection", attention=False, outputs=0, pac=1,
    seed, name="discriminator",
):  # fmt: skip
    """Images `[B, size, size, pac * channels]` (and labels `[B]`) -> logits `[B, 1]` (and `[B, outputs]`); the generator's mirror.

    A 1 x 1 convolution, residual blocks with average pooling between them, a depthwise convolution over the whole last map, a dense layer.

    Args:
        filters, blocks, expansion, attention, seed: as of `r3gan_generator`.
        classes, conditioning, outputs, pac: as of `dcgan_discriminator`.
    """
    side, halvings = doublings_of(size)
    start = _seeds(seed)
    count = blocks * (halvings + 1)
    x, arguments, label = image_inputs(size, channels * pac, classes, conditioning)
    x = keras.layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=_scaled(1.0, start))(x)
    for stage in range(halvings + 1):
        if stage:
            x = keras.layers.AveragePooling2D(2)(x)
            if attention and stage == 1:
                x = SelfAttention2D(seed=next(start))(x)
        for _ in range(blocks):
            x = residual(x, expansion, count, start)
    x = keras.layers.DepthwiseConv2D(side, use_bias=False, depthwise_initializer=_scaled(1.0, start))(x)
    features = keras.layers.Flatten()(x)
    heads = (_scaled(1.0, start) for _ in range(4))
    return keras.Model(arguments, verdict(features, label, classes, outputs, lambda layer: layer, heads), name=name)


def residual(x, expansion, count, start):
    """x + f(x), f's last kernel 0 at the start and its others scaled by count^(-1/4) (Zhang et al. 2019, Fixup)."""
    filters = x.shape[-1]
    inner = filters * expansion
    gain = GAIN * count**-0.25
    y = keras.layers.Conv2D(inner, 1, kernel_initializer=_scaled(gain, start))(x)
    y = keras.layers.Conv2D(inner, 3, padding="same", kernel_initializer=_scaled(gain, start))(keras.layers.LeakyReLU(SLOPE)(y))
    y = keras.layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="zeros")(keras.layers.LeakyReLU(SLOPE)(y))
    return keras.layers.Add()([x, y])


def _seeds(seed):
    return iter(np.random.SeedSequence(seed).generate_state(256).tolist())


def _scaled(gain, start):
    """N(0, gain²/fan_in)."""
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal", seed=next(start))
