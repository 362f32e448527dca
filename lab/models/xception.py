"""Xception: depthwise separable convolutions with shortcuts (Chollet 2017)."""

import keras

from lab.engine.types import Tensor
from lab.models.blocks import Blocks, image_input, scaled


def xception(
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int = 8,
    width: float = 1.0,
    stem: str | None = None,
    seed: int,
    name: str = "xception",
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: entry, middle and exit flow of figure 5.

    With the small stem its two convolutions keep the size, and three of the four poolings halve
    it.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        depth: modules of the middle flow; the paper's has 8.
        width: factor of the number of channels.
        stem: "large", the paper's; "small"; None chooses by the size of the image.
        seed: of the initial weights.
        name: of the model.
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


def separated(blocks: Blocks, x: Tensor, filters: int) -> Tensor:
    """A separable convolution and normalisation."""
    return blocks.normalized(blocks.separable(x, filters))


def halved(blocks: Blocks, x: Tensor, inner: int, filters: int, *, strides: int, first: bool = False) -> Tensor:
    """Two separable convolutions and max-pooling, beside a 1 x 1 convolution as shortcut."""
    shortcut = blocks.normalized(blocks.convolution(x, filters, 1, strides))
    x = separated(blocks, x if first else blocks.activated(x), inner)
    x = separated(blocks, blocks.activated(x), filters)
    return blocks.added(blocks.pooled(x, 3, strides, padding="same"), shortcut)
