"""Xception: depthwise separable convolutions with shortcuts (Chollet 2017)."""

import keras

from lab.models.blocks import Blocks, image_input, scaled


def xception(shape, classes, *, depth=8, width=1.0, stem=None, seed, name="xception"):
    """Images `[B, *shape]` -> logits `[B, classes]`: entry, middle and exit flow of figure 5.

    With the small stem its two convolutions keep the size, and three of the four poolings halve it.

    Args:
        shape: (height, width, channels).
        depth: modules of the middle flow; the paper's has 8.
        width: factor of the number of channels.
        stem: "large", the paper's; "small"; None chooses by the image's size.
        seed: of the initial weights.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, epsilon=1e-3, momentum=0.99)
    x = blocks.unit(images, scaled(32, width), 3, 1 if small else 2, padding="same" if small else "valid")
    x = blocks.unit(x, scaled(64, width), 3, padding="same" if small else "valid")
    blocks.begin("entry")
    for i, filters in enumerate((128, 256, 728)):
        filters = scaled(filters, width)
        x = halved(blocks, x, filters, filters, strides=1 if small and not i else 2, first=not i)
    blocks.begin("middle")
    for _ in range(depth):
        inner = x
        for _ in range(3):
            inner = separated(blocks, blocks.activated(inner), scaled(728, width))
        x = blocks.added(inner, x)
    blocks.begin("exit")
    x = halved(blocks, x, scaled(728, width), scaled(1024, width), strides=2)
    for filters in (1536, 2048):
        x = blocks.activated(separated(blocks, x, scaled(filters, width)))
    return keras.Model(images, blocks.classified(x, classes), name=name)


def separated(blocks, x, filters):
    """A separable convolution, normalised."""
    return blocks.normalized(blocks.separable(x, filters))


def halved(blocks, x, inner, filters, *, strides, first=False):
    """Two separable convolutions and max-pooling beside a shortcut by a 1 x 1 convolution."""
    shortcut = blocks.normalized(blocks.convolution(x, filters, 1, strides))
    x = separated(blocks, x if first else blocks.activated(x), inner)
    x = separated(blocks, blocks.activated(x), filters)
    return blocks.added(blocks.pooled(x, 3, strides, padding="same"), shortcut)
