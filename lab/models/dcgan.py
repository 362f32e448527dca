"""The convolutional players of Radford et al. 2016, for images of 28, 32 or 64 pixels."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.data.conventions import require_channels_last
from lab.layers import SpectralNormalization

DOUBLINGS = {28: (7, 2), 32: (4, 3), 64: (4, 4)}  # size: (side of the smallest map, doublings)
CONDITIONING = ("projection", "concatenation")


def dcgan_generator(
    size: int = 28,
    channels: int = 1,
    *,
    latent: int = 64,
    filters: int = 64,
    classes: int | None = None,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Latents `[B, latent]` (and labels `[B]`) -> images `[B, size, size, channels]` in -1..1.

    A dense layer makes the smallest map. Transposed 4 x 4 convolutions of stride 2 double it,
    with batch normalisation and ReLU. The last one ends in tanh (section 3). Kernels start normal
    with standard deviation 0.02.

    Args:
        size: pixels on a side: 28, 32 or 64.
        channels: of the images.
        latent: numbers of a latent.
        filters: channels of the last hidden map. Each one before has twice as many.
        classes: number of labels. Their one-hot codes are joined to the latents. None: no labels.
        seed: of the initial weights.
        name: of the model.
    """
    side, doublings = doublings_of(size)
    initializers = normal_initializers(seed)
    x, inputs = latent_inputs(latent, classes)
    widths = [filters * 2 ** (doublings - 1 - i) for i in range(doublings)]
    x = keras.layers.Dense(side * side * widths[0], use_bias=False, kernel_initializer=next(initializers))(x)
    x = activated(keras.layers.Reshape((side, side, widths[0]))(x))
    for width in widths[1:]:
        layer = keras.layers.Conv2DTranspose(width, 4, 2, "same", use_bias=False, kernel_initializer=next(initializers))
        x = activated(layer(x))
    last = keras.layers.Conv2DTranspose(
        channels, 4, 2, "same", kernel_initializer=next(initializers), activation="tanh", dtype="float32"
    )
    return keras.Model(inputs, last(x), name=name)


def dcgan_discriminator(
    size: int = 28,
    channels: int = 1,
    *,
    filters: int = 64,
    normalization: str = "batch",
    classes: int | None = None,
    conditioning: str = "projection",
    outputs: int = 0,
    pac: int = 1,
    seed: int,
    name: str = "discriminator",
) -> keras.Model:
    """Images `[B, size, size, pac * channels]` (and labels `[B]`) -> logits `[B, 1]`.

    With `outputs` it returns [logits, `[B, outputs]`].

    4 x 4 convolutions of stride 2 with leaky ReLU of slope 0.2, all but the first normalised,
    then a dense layer (section 3).

    Args:
        size: pixels on a side: 28, 32 or 64.
        channels: of one image.
        filters: channels of the first map. Each one after has twice as many.
        normalization: "batch", "spectral" (of every kernel and of the vectors of classes: Miyato
            et al. 2018) or "none", which WGAN-GP needs.
        classes: number of labels, which it then takes beside the image. None: no labels.
        conditioning: "projection" (Miyato and Koyama 2018) or "concatenation" (Mirza and Osindero
            2014: planes of the one-hot code).
        outputs: numbers beside the logits, for the classes of ACGAN and the codes of InfoGAN.
            They have a hidden layer of 128 units.
        pac: images side by side in the channels (Lin et al. 2018).
        seed: of the initial weights.
        name: of the model.
    """
    if normalization not in ("batch", "spectral", "none"):
        raise ValueError(f"normalization: expected 'batch', 'spectral' or 'none', received {normalization!r}.")
    _, halvings = doublings_of(size)
    initializers = normal_initializers(seed)
    wrap = SpectralNormalization if normalization == "spectral" else lambda layer: layer
    x, inputs, label = image_inputs(size, channels * pac, classes, conditioning)
    for i in range(halvings):
        plain = i == 0 or normalization != "batch"
        layer = keras.layers.Conv2D(filters * 2**i, 4, 2, "same", use_bias=plain, kernel_initializer=next(initializers))
        x = wrap(layer)(x)
        x = x if plain else keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    features = keras.layers.Flatten()(x)
    logits = discriminator_outputs(features, label, classes, outputs, wrap, initializers)
    return keras.Model(inputs, logits, name=name)


def doublings_of(size: int) -> tuple[int, int]:
    """(side, doublings) with side * 2**doublings == size."""
    require_channels_last()
    if size not in DOUBLINGS:
        raise ValueError(f"size: expected one of {', '.join(map(str, DOUBLINGS))} pixels, received {size}.")
    return DOUBLINGS[size]


def normal_initializers(seed: int) -> Iterator[keras.initializers.Initializer]:
    """Initializers N(0, 0.02²), one after the other, each with a seed of its own."""
    return (keras.initializers.RandomNormal(stddev=0.02, seed=int(s)) for s in np.random.SeedSequence(seed).generate_state(32))


def latent_inputs(latent: int, classes: int | None) -> tuple[keras.KerasTensor, Any]:
    """(latent, with the one-hot label if there are classes; the inputs of the model)."""
    z = keras.Input((latent,), name="latent")
    if classes is None:
        return z, z
    label = keras.Input((), dtype="int32", name="label")
    return ops.concatenate([z, one_hot(label, classes)], axis=1), [z, label]


def one_hot(label: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """`[B]` integers -> `[B, classes]`.

    It is a layer, so that others can read from the model how many classes it knows.
    """
    return keras.layers.CategoryEncoding(classes, "one_hot", dtype="float32")(label)


def image_inputs(
    size: int, channels: int, classes: int | None, conditioning: str
) -> tuple[keras.KerasTensor, Any, keras.KerasTensor | None]:
    """(image, the inputs of the model, label).

    For "concatenation" the image has planes of the label, and the label is None. It is for
    "projection" alone.
    """
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


def discriminator_outputs(
    features: keras.KerasTensor,
    label: keras.KerasTensor | None,
    classes: int | None,
    outputs: int,
    wrap: Callable[[keras.layers.Layer], keras.layers.Layer],
    initializers: Iterator[keras.initializers.Initializer],
) -> Any:
    """The logits of a discriminator, and `outputs` more numbers.

    With a label y

        logits = psi·phi + b + v_y·phi    (Miyato and Koyama 2018, eq. 3)

    `ProjectionHead` computes the same in one layer. Here every kernel and v are layers of their
    own, so that `wrap` can normalise each.

    Args:
        features: phi, `[B, D]`.
        label: y, integers `[B]`, or None.
        classes: number of labels.
        outputs: numbers beside the logits. 0: logits alone are returned.
        wrap: is called with each layer, such as `SpectralNormalization`.
        initializers: of the kernels.
    """
    logits = wrap(keras.layers.Dense(1, kernel_initializer=next(initializers), dtype="float32"))(features)
    if label is not None:
        vectors = keras.layers.Embedding(
            classes, features.shape[-1], embeddings_initializer=next(initializers), dtype="float32"
        )
        logits += keras.layers.Dot(1, dtype="float32")([wrap(vectors)(label), features])
    if not outputs:
        return logits
    hidden = wrap(keras.layers.Dense(128, kernel_initializer=next(initializers)))(features)
    others = wrap(keras.layers.Dense(outputs, kernel_initializer=next(initializers), dtype="float32"))
    return [logits, others(keras.layers.LeakyReLU(0.2)(hidden))]


def activated(x: keras.KerasTensor) -> keras.KerasTensor:
    """Batch normalisation and ReLU."""
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
