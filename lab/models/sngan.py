"""The residual players of spectrally normalised GANs.

Miyato et al. 2018, appendix B.4; projection: Miyato and Koyama 2018.
"""

import keras
import numpy as np

from lab.layers import ConditionalBatchNormalization, SelfAttention2D, SpectralNormalization
from lab.models.dcgan import discriminator_outputs, doublings_of, image_inputs


def sngan_generator(
    size: int = 32,
    channels: int = 3,
    *,
    latent: int = 128,
    filters: int = 64,
    classes: int | None = None,
    attention: bool = False,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]` in -1..1.

    A dense layer, residual blocks that double the map, batch normalisation, ReLU, a 3 x 3
    convolution and tanh.

    Args:
        size: pixels on a side: 28, 32 or 64.
        channels: of the images.
        latent: numbers of a latent.
        filters: channels of every block (the paper's CIFAR-10 network: 256).
        classes: number of labels, for conditional batch normalisation (Dumoulin et al. 2017).
            None: no labels.
        attention: whether there is self-attention before the last block (Zhang et al. 2019).
        seed: of the initial weights.
        name: of the model.
    """
    side, doublings = doublings_of(size)
    glorot = _glorot(seed)
    z = keras.Input((latent,), name="latent")
    label = None if classes is None else keras.Input((), dtype="int32", name="label")

    def normalized(x):
        options = {"momentum": 0.9, "epsilon": 1e-5}
        if classes is None:
            return keras.layers.BatchNormalization(**options)(x)
        return ConditionalBatchNormalization(classes, **options)([x, label])

    reshape = keras.layers.Reshape((side, side, filters))
    x = reshape(keras.layers.Dense(side * side * filters, kernel_initializer=next(glorot)(1.0))(z))
    for i in range(doublings):
        if attention and i == doublings - 1:
            x = SelfAttention2D(seed=attention_seed(seed))(x)
        shortcut = keras.layers.Conv2D(filters, 1, kernel_initializer=next(glorot)(1.0))(keras.layers.UpSampling2D()(x))
        for grow in (True, False):
            x = keras.layers.ReLU()(normalized(x))
            x = keras.layers.UpSampling2D()(x) if grow else x
            x = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=next(glorot)(2**0.5))(x)
        x = keras.layers.Add()([x, shortcut])
    x = keras.layers.ReLU()(normalized(x))
    last = keras.layers.Conv2D(
        channels, 3, padding="same", activation="tanh", kernel_initializer=next(glorot)(1.0), dtype="float32"
    )
    return keras.Model(z if label is None else [z, label], last(x), name=name)


def sngan_discriminator(
    size: int = 32,
    channels: int = 3,
    *,
    filters: int = 64,
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

    Two residual blocks that halve the map and two that keep it, ReLU, the sum over positions, a
    dense layer. Every linear map has spectral norm 1.

    Args:
        size: pixels on a side: 28, 32 or 64.
        channels: of one image.
        filters: channels of every block (the paper's CIFAR-10 network: 128).
        classes, conditioning, outputs, pac: as of `dcgan_discriminator`.
        attention: whether there is self-attention after the first block (Zhang et al. 2019).
        seed: of the initial weights.
        name: of the model.
    """
    glorot = _glorot(seed)

    def convolution(width, gain):
        return SpectralNormalization(keras.layers.Conv2D(filters, width, padding="same", kernel_initializer=next(glorot)(gain)))

    x, inputs, label = image_inputs(size, channels * pac, classes, conditioning)
    for i in range(4):
        halve = i < 2
        shortcut = x
        if i == 0:
            shortcut = convolution(1, 1.0)(keras.layers.AveragePooling2D(2)(x))
        elif halve:
            shortcut = keras.layers.AveragePooling2D(2)(convolution(1, 1.0)(x))
        x = convolution(3, 2**0.5)(x if i == 0 else keras.layers.ReLU()(x))
        x = convolution(3, 2**0.5)(keras.layers.ReLU()(x))
        x = keras.layers.Add()([keras.layers.AveragePooling2D(2)(x) if halve else x, shortcut])
        if attention and i == 0:
            x = SelfAttention2D(seed=attention_seed(seed), spectral=True)(x)
    features = keras.ops.sum(keras.layers.ReLU()(x), axis=(1, 2))
    initializers = (next(glorot)(1.0) for _ in range(4))
    logits = discriminator_outputs(features, label, classes, outputs, SpectralNormalization, initializers)
    return keras.Model(inputs, logits, name=name)


def attention_seed(seed: int) -> int:
    """The seed of self-attention, which no other layer has."""
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])


def _glorot(seed):
    """Yields functions (gain) -> uniform Glorot initializer, each with a seed of its own."""
    for number in np.random.SeedSequence(seed).generate_state(64).tolist():
        yield lambda gain, number=number: keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform", seed=number)
