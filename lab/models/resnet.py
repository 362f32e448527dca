"""Residual networks, the pre-activated ones, and the plain networks beside them.

He et al. 2016a (residual, plain) and He et al. 2016b (pre-activation).
"""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.models.blocks import Blocks, image_input, one_of, scaled

LAYERS = {  # depth: blocks of each stage (2016a, table 1)
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
PREFIXES = {  # form: how a name begins
    "residual": "resnet",
    "preactivation": "preresnet",
    "plain": "plain",
}


def small_resnet(
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int = 20,
    width: float = 1.0,
    form: str = "residual",
    seed: int,
    name: str | None = None,
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: the networks for about 32 pixels.

    A 3 x 3 convolution, three stages of (depth - 2) / 6 blocks, the mean over positions and a
    linear map (He et al. 2016a, section 4.2). A block has two 3 x 3 convolutions, of 16, 32 and
    64 channels in the three stages. Shortcuts have no weights: they skip pixels and append
    channels of zeros (option A).

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        depth: 6 n + 2 layers with weights: 20, 32, 44, 56, 110, ...
        width: factor of the number of channels.
        form: "residual", "preactivation" (normalisation and ReLU before each convolution) or
            "plain" (no shortcuts).
        seed: of the initial weights.
        name: of the model.
    """
    one_of("form", form, PREFIXES)
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth: expected 6 n + 2 with n >= 1, received {depth}.")
    images, _ = image_input(shape, "small")
    blocks = Blocks(seed)
    first = scaled(16, width)
    x = blocks.convolution(images, first) if form == "preactivation" else blocks.unit(images, first)
    for stage in range(3):
        blocks.begin(f"stage{stage + 1}")
        for i in range((depth - 2) // 6):
            strides = 2 if stage and not i else 1
            x = basic(blocks, x, scaled(16 * 2**stage, width), strides, form, projection=False, first=not stage and not i)
    x = blocks.activated(blocks.normalized(x)) if form == "preactivation" else x
    return keras.Model(images, blocks.classified(x, classes), name=name or f"{PREFIXES[form]}{depth}")


def resnet(
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int = 50,
    width: float = 1.0,
    form: str = "residual",
    bias: bool = False,
    stem: str | None = None,
    seed: int,
    name: str | None = None,
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: the networks of He et al. 2016a, table 1.

    Four stages of blocks. A block has two 3 x 3 convolutions up to 34 layers; in deeper networks
    1 x 1, 3 x 3 and 1 x 1. Where size or channels change, the shortcut is a 1 x 1 convolution
    (option B).

    The first convolution of a stage's first block has stride 2. Pre-activated bottlenecks have it
    in a stage's last block instead, in the 3 x 3 convolution, as TF-slim and Keras have.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        depth: 18, 34, 50, 101 or 152 layers with weights.
        width: factor of the number of channels.
        form: "residual", "preactivation" or "plain" (no shortcuts).
        bias: whether convolutions before a normalisation have biases. `keras.applications` has
            them, the paper has not.
        stem: "large" (7 x 7 and pooling, both of stride 2), "deep" (three of 3 x 3 in place of 7 x
            7; ResNet-C of He et al. 2019, "Bag of tricks"), "small" (3 x 3), or None, which chooses
            "large" or "small" by the size of the image.
        seed: of the initial weights.
        name: of the model.
    """
    one_of("form", form, PREFIXES)
    counts = LAYERS[one_of("depth", depth, LAYERS)]
    one_of("stem", stem, (None, "large", "deep", "small"))
    images, small = image_input(shape, "large" if stem == "deep" else stem)
    blocks = Blocks(seed, epsilon=1.001e-5, momentum=0.99)
    pre = form == "preactivation"
    channels = scaled(64, width)
    if stem == "deep":
        half = scaled(32, width)
        x = blocks.unit(blocks.unit(images, half, 3, 2, padding=1, bias=bias), half, bias=bias)
        x = blocks.convolution(x, channels, bias=bias)
    else:
        size, strides, padding = (3, 1, "same") if small else (7, 2, 3)
        x = blocks.convolution(images, channels, size, strides, padding=padding, bias=bias)
    x = x if pre else blocks.activated(blocks.normalized(x))
    x = x if small else blocks.pooled(x, 3, 2, padding=1)
    for stage, count in enumerate(counts):
        blocks.begin(f"stage{stage + 1}")
        filters = scaled(64 * 2**stage, width)
        for i in range(count):
            if depth < 50:
                first = not stage and not i
                x = basic(blocks, x, filters, 2 if stage and not i else 1, form, projection=True, bias=bias, first=first)
            elif pre:
                x = preactivated_bottleneck(blocks, x, filters, 2 if i == count - 1 and stage < 3 else 1, bias)
            else:
                x = bottleneck(blocks, x, filters, 2 if stage and not i else 1, bias, plain=form == "plain")
    x = blocks.activated(blocks.normalized(x)) if pre else x
    return keras.Model(images, blocks.classified(x, classes), name=name or f"{PREFIXES[form]}{depth}")


def basic(
    blocks: Blocks,
    x: Tensor,
    filters: int,
    strides: int,
    form: str,
    *,
    projection: bool,
    bias: bool = False,
    first: bool = False,
) -> Tensor:
    """Two 3 x 3 convolutions and a shortcut.

    Pre-activation comes before the branches part in two cases: in the first block of all (2016b,
    appendix), and where size or channels change, as in the authors' code.
    """
    change = strides > 1 or x.shape[-1] != filters
    if form == "preactivation":
        before = blocks.activated(blocks.normalized(x))
        shortcut = before if change or first else x
    else:
        before = shortcut = x
    if form != "plain" and change:
        if projection:
            shortcut = project(blocks, shortcut, filters, strides, bias, form)
        else:
            shortcut = pad(blocks, shortcut, filters, strides)
    inner = blocks.unit(before, filters, 3, strides, bias=bias)
    inner = blocks.convolution(inner, filters, bias=bias)
    if form == "preactivation":
        return blocks.added(shortcut, inner)
    inner = blocks.normalized(inner)
    return blocks.activated(inner if form == "plain" else blocks.added(shortcut, inner))


def bottleneck(blocks: Blocks, x: Tensor, filters: int, strides: int, bias: bool, *, plain: bool) -> Tensor:
    """1 x 1, 3 x 3 and 1 x 1, the last with four times as many channels, and a shortcut."""
    change = strides > 1 or x.shape[-1] != 4 * filters
    shortcut = project(blocks, x, 4 * filters, strides, bias, "residual") if change and not plain else x
    inner = blocks.unit(x, filters, 1, strides, bias=bias)
    inner = blocks.unit(inner, filters, 3, bias=bias)
    inner = blocks.normalized(blocks.convolution(inner, 4 * filters, 1, bias=bias))
    return blocks.activated(inner if plain else blocks.added(shortcut, inner))


def preactivated_bottleneck(blocks: Blocks, x: Tensor, filters: int, strides: int, bias: bool) -> Tensor:
    """A bottleneck with normalisation and ReLU before each convolution.

    Where only the size changes, the shortcut skips pixels.
    """
    before = blocks.activated(blocks.normalized(x))
    if x.shape[-1] != 4 * filters:
        shortcut = blocks.convolution(before, 4 * filters, 1, strides, bias=bias)
    else:
        shortcut = x if strides == 1 else blocks.pooled(x, 1, strides)
    inner = blocks.unit(before, filters, 1)
    inner = blocks.unit(inner, filters, 3, strides, padding=1)
    return blocks.added(shortcut, blocks.convolution(inner, 4 * filters, 1, bias=bias))


def project(blocks: Blocks, x: Tensor, filters: int, strides: int, bias: bool, form: str) -> Tensor:
    """A shortcut by a 1 x 1 convolution, normalised except in pre-activated networks."""
    x = blocks.convolution(x, filters, 1, strides, bias=bias)
    return x if form == "preactivation" else blocks.normalized(x)


def pad(blocks: Blocks, x: Tensor, filters: int, strides: int) -> Tensor:
    """A shortcut without weights: it skips pixels and appends channels of zeros."""
    x = x if strides == 1 else blocks.pooled(x, 1, strides)
    more = filters - x.shape[-1]
    return ZeroChannels(more, name=blocks.name("zeros"))(x) if more else x


@keras.saving.register_keras_serializable(package="lab")
class ZeroChannels(keras.layers.Layer):
    """Appends channels of zeros: `[..., C]` -> `[..., C + count]`.

    Args:
        count: number of new channels.
    """

    def __init__(self, count: int, **options: Any) -> None:
        super().__init__(**options)
        self.count = validation.integer("count", count)

    def call(self, inputs: Tensor) -> Tensor:
        """Inputs `[..., C]` -> `[..., C + count]`."""
        return ops.pad(inputs, [(0, 0)] * (len(inputs.shape) - 1) + [(0, self.count)])

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's, with more channels."""
        *others, channels = input_shape
        return (*others, channels + self.count)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"count": self.count}
