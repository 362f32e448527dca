"""The residual players of spectrally normalised GANs (Miyato et al. 2018, appendix B.4; projection: Miyato and Koyama 2018)."""

import keras
import numpy as np

from lab.layers import ConditionalBatchNormalization, SelfAttention2D, SpectralNormalization
from lab.models.dcgan import doublings_of, image_inputs, verdict


def sngan_generator(size=32, channels=3, *, latent=128, filters=64, classes=None, attention=False, seed, name="generator"):
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]` in -1..1.

    A dense layer, residual blocks that double the map, batch normalisation, ReLU, a 3 x 3 convolution and tanh.

    Args:
        filters: channels of every block (the paper's CIFAR-10 network: 256).
        classes: with labels, batch normalisation is conditional (Dumoulin et al. 2017).
        attention: self-attention before the last block (Zhang et al. 2019).
        seed: of the initial weights.
    """
    side, doublings = doublings_of(size)
    start = _glorot(seed)
    z = keras.Input((latent,), name="latent")
    label = None if classes is None else keras.Input((), dtype="int32", name="label")

    def normalized(x):
        options = {"momentum": 0.9, "epsilon": 1e-5}
        if label is None:
            return keras.layers.BatchNormalization(**options)(x)
        return ConditionalBatchNormalization(classes, **options)([x, label])

    x = keras.layers.Reshape((side, side, filters))(
        keras.layers.Dense(side * side * filters, kernel_initializer=next(start)(1.0))(z)
    )
    for i in range(doublings):
        if attention and i == doublings - 1:
            x = SelfAttention2D(seed=attention_seed(seed))(x)
        shortcut = keras.layers.Conv2D(filters, 1, kernel_initializer=next(start)(1.0))(keras.layers.UpSampling2D()(x))
        for grow in (True, False):
            x = keras.layers.ReLU()(normalized(x))
            x = keras.layers.UpSampling2D()(x) if grow else x
            x = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=next(start)(2**0.5))(x)
        x = keras.layers.Add()([x, shortcut])
    x = keras.layers.ReLU()(normalized(x))
    last = keras.layers.Conv2D(
        channels, 3, padding="same", activation="tanh", kernel_initializer=next(start)(1.0), dtype="float32"
    )
    return keras.Model(z if label is None else [z, label], last(x), name=name)


def sngan_discriminator(
    size=32, channels=3, *, filters=64, classes=None, conditioning="projection", attention=False, outputs=0, pac=1, seed,
    name="discriminator",
):  # fmt: skip
    """Images `[B, size, size, pac * channels]` (and labels `[B]`) -> logits `[B, 1]` (and `[B, outputs]`); spectral norm 1 everywhere.

    Two residual blocks that halve the map and two that keep it, ReLU, the sum over positions, a dense layer.

    Args:
        filters: channels of every block (the paper's CIFAR-10 network: 128).
        classes, conditioning, outputs, pac: as of `dcgan_discriminator`.
        attention: self-attention after the first block (Zhang et al. 2019).
        seed: of the initial weights.
    """
    start = _glorot(seed)

    def convolution(width, gain):
        return SpectralNormalization(keras.layers.Conv2D(filters, width, padding="same", kernel_initializer=next(start)(gain)))

    x, arguments, label = image_inputs(size, channels * pac, classes, conditioning)
    for i in range(4):
        halve = i < 2
        shortcut = x
        if halve:
            shortcut = (
                convolution(1, 1.0)(keras.layers.AveragePooling2D(2)(x))
                if i == 0
                else keras.layers.AveragePooling2D(2)(convolution(1, 1.0)(x))
            )
        x = convolution(3, 2**0.5)(x if i == 0 else keras.layers.ReLU()(x))
        x = convolution(3, 2**0.5)(keras.layers.ReLU()(x))
        x = keras.layers.Add()([keras.layers.AveragePooling2D(2)(x) if halve else x, shortcut])
        if attention and i == 0:
            x = SelfAttention2D(seed=attention_seed(seed), spectral=True)(x)
    features = keras.ops.sum(keras.layers.ReLU()(x), axis=(1, 2))
    heads = (next(start)(1.0) for _ in range(4))
    return keras.Model(arguments, verdict(features, label, classes, outputs, SpectralNormalization, heads), name=name)


def attention_seed(seed):
    """A seed of its own for self-attention."""
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])


def _glorot(seed):
    """Makers of uniform Glorot initializers by gain, each with a seed of its own."""
    for number in np.random.SeedSequence(seed).generate_state(64).tolist():
        yield lambda gain, number=number: keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform", seed=number)
