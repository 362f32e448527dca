"""The convolutional players of Radford et al. 2016, for images of 28, 32 or 64 pixels."""

import keras
import numpy as np
from keras import ops

from lab.data.conventions import require_channels_last
from lab.layers import SpectralNormalization

STARTS = {28: (7, 2), 32: (4, 3), 64: (4, 4)}  # size: (side of the first map, how often it is doubled)
CONDITIONING = ("projection", "concatenation")


def dcgan_generator(size=28, channels=1, *, latent=64, filters=64, classes=None, seed, name="generator"):
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]` in -1..1.

    A dense layer to the smallest map, then transposed convolutions of 4 x 4 and stride 2, each batch-normalised and ReLU, and tanh at the
    end (section 3). Kernels start normal with deviation 0.02.

    Args:
        filters: channels of the last hidden map; each one before has twice as many.
        classes: with labels, their one-hot code stands beside the latent.
        seed: of the initial weights.
    """
    side, doublings = doublings_of(size)
    start = normal_starts(seed)
    x, arguments = latent_inputs(latent, classes)
    widths = [filters * 2 ** (doublings - 1 - i) for i in range(doublings)]
    x = keras.layers.Dense(side * side * widths[0], use_bias=False, kernel_initializer=next(start))(x)
    x = activated(keras.layers.Reshape((side, side, widths[0]))(x))
    for width in widths[1:]:
        x = activated(keras.layers.Conv2DTranspose(width, 4, 2, "same", use_bias=False, kernel_initializer=next(start))(x))
    images = keras.layers.Conv2DTranspose(
        channels, 4, 2, "same", kernel_initializer=next(start), activation="tanh", dtype="float32"
    )(x)
    return keras.Model(arguments, images, name=name)


def dcgan_discriminator(
    size=28, channels=1, *, filters=64, normalization="batch", classes=None, conditioning="projection", outputs=0, pac=1, seed,
    name="discriminator",
):  # fmt: skip
    """Images `[B, size, size, pac * channels]` (and labels `[B]`) -> logits `[B, 1]` (and `[B, outputs]`).

    Convolutions of 4 x 4 and stride 2 with leaky ReLU of slope 0.2, normalised but for the first, then a dense layer (section 3).

    Args:
        filters: channels of the first map; each one after has twice as many.
        normalization: "batch", "spectral" (of every kernel and of the vectors of classes: Miyato et al. 2018) or "none", as WGAN-GP needs it.
        classes: of labels, which it then takes beside the image.
        conditioning: "projection" (Miyato and Koyama 2018) or "concatenation" (Mirza and Osindero 2014: planes of the one-hot code).
        outputs: numbers beside the logits, for ACGAN's classes and InfoGAN's codes, over a hidden layer of 128 units.
        pac: images side by side in the channels.
        seed: of the initial weights.
    """
    if normalization not in ("batch", "spectral", "none"):
        raise ValueError(f"normalization: expected 'batch', 'spectral' or 'none', received {normalization!r}.")
    _, halvings = doublings_of(size)
    start = normal_starts(seed)
    wrap = SpectralNormalization if normalization == "spectral" else lambda layer: layer
    x, arguments, label = image_inputs(size, channels * pac, classes, conditioning)
    for i in range(halvings):
        plain = i == 0 or normalization != "batch"
        layer = keras.layers.Conv2D(filters * 2**i, 4, 2, "same", use_bias=plain, kernel_initializer=next(start))
        x = wrap(layer)(x)
        x = x if plain else keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    features = keras.layers.Flatten()(x)
    return keras.Model(arguments, verdict(features, label, classes, outputs, wrap, start), name=name)


def doublings_of(size):
    """(side, doublings) with side * 2**doublings == size."""
    require_channels_last()
    if size not in STARTS:
        raise ValueError(f"size: expected one of {', '.join(map(str, STARTS))} pixels, received {size}.")
    return STARTS[size]


def normal_starts(seed):
    """Initializers N(0, 0.02²), one after the other, each with a seed of its own."""
    return (keras.initializers.RandomNormal(stddev=0.02, seed=int(s)) for s in np.random.SeedSequence(seed).generate_state(32))


def latent_inputs(latent, classes):
    """(latent with the one-hot label, if there are classes; the model's inputs)."""
    z = keras.Input((latent,), name="latent")
    if classes is None:
        return z, z
    label = keras.Input((), dtype="int32", name="label")
    return ops.concatenate([z, one_hot(label, classes)], axis=1), [z, label]


def one_hot(label, classes):
    """`[B]` integers -> `[B, classes]`; a layer, so that the model says how many classes it knows."""
    return keras.layers.CategoryEncoding(classes, "one_hot", dtype="float32")(label)


def image_inputs(size, channels, classes, conditioning):
    """(image, with planes of the label for "concatenation"; the model's inputs; the label for "projection" or None)."""
    image = keras.Input((size, size, channels), name="image")
    if classes is None:
        return image, image, None
    if conditioning not in CONDITIONING:
        raise ValueError(f"conditioning: expected one of {', '.join(CONDITIONING)}, received {conditioning!r}.")
    label = keras.Input((), dtype="int32", name="label")
    if conditioning == "projection":
        return image, [image, label], label
    planes = one_hot(label, classes)[:, None, None, :]
    return ops.concatenate([image, ops.tile(planes, (1, size, size, 1))], axis=-1), [image, label], None


def verdict(features, label, classes, outputs, wrap, start):
    """What a discriminator says of features phi `[B, D]`: logits, and `outputs` more numbers.

    With a label y logits are psi·phi + b + v_y·phi (Miyato and Koyama 2018, eq. 3). `wrap` is around every kernel and around v, each a layer of its
    own for that: `ProjectionHead` computes the same with both inside.
    """
    logits = wrap(keras.layers.Dense(1, kernel_initializer=next(start), dtype="float32"))(features)
    if label is not None:
        vectors = keras.layers.Embedding(classes, features.shape[-1], embeddings_initializer=next(start), dtype="float32")
        logits += keras.layers.Dot(1, dtype="float32")([wrap(vectors)(label), features])
    if not outputs:
        return logits
    hidden = wrap(keras.layers.Dense(128, kernel_initializer=next(start)))(features)
    read = wrap(keras.layers.Dense(outputs, kernel_initializer=next(start), dtype="float32"))
    return [logits, read(keras.layers.LeakyReLU(0.2)(hidden))]


def activated(x):
    """Batch normalisation and ReLU."""
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
