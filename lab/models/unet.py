"""U-Net: images to maps of the same size (Ronneberger, Fischer and Brox 2015)."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers import BatchNormalization, SelfAttention2D
from lab.models.blocks import Blocks, image_input, one_of
from lab.validation import FRACTION

GROUPS = 8  # of group normalisation, or the greatest number below that divides 8 and the channels


def unet(
    shape: tuple[int, ...],
    outputs: int,
    *,
    widths: Sequence[int] = (32, 64, 128, 256),
    blocks: int = 2,
    condition: int | None = None,
    normalization: str = "batch",
    dropout: float = 0.0,
    attention_at: Sequence[int] = (),
    seed: int,
    name: str = "unet",
) -> keras.Model:
    """Images `[B, H, W, C]` -> numbers of each pixel `[B, H, W, outputs]`, linear, float32.

        down    maps of widths[i] channels; max-pooling halves them for the next level
        up      deeper maps, doubled, beside those of the same size on the way down

    Each level has `blocks` blocks on the way down and as many on the way up; the deepest has them
    once. A block is a 3 x 3 convolution, normalisation and ReLU. Kernels start He normal, as in
    section 3 of the paper.

    With a condition c, `[B, condition]`, the inputs are [images, c], and c scales and shifts each
    normalised map (Perez et al. 2018):

        y = (1 + s) norm(x) + b,    s and b: linear in c

    The maps from c to s and b start at 0 (Peebles and Xie 2023, section 3.2), and so does the last
    convolution (the code of Ho et al. 2020). The conditioned network says 0 at first.

    Differences from the paper:

    1. Convolutions keep the size of their maps ("same" padding). Nothing is cropped.
    2. Blocks are normalised. Dropout is optional, after the deepest level.
    3. Upsampling is a 1 x 1 convolution to the finer level's channels, then nearest neighbours. A
       transposed convolution can make checkerboards (Odena et al. 2016). The two steps commute;
       in this order the convolution costs a quarter.

    Args:
        shape: (height, width, channels), sides divisible by 2^(levels - 1).
        outputs: numbers of a pixel, such as logits of classes.
        widths: channels of each level, from fine to coarse, of two levels or more.
        blocks: of each level.
        condition: numbers of a vector such as an embedding of time or class. None: no such input.
        normalization: "batch", or "group" (Wu and He 2018), which does not see the other images.
        dropout: rate after the deepest level.
        attention_at: strides, of 1, 2, 4, ..., after whose blocks there is self-attention.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    widths = tuple(validation.integer("widths", width) for width in widths)
    strides = [2**level for level in range(len(widths))]
    validation.integer("outputs", outputs)
    validation.integer("blocks", blocks)
    one_of("normalization", normalization, ("batch", "group"))
    FRACTION.check("dropout", dropout)
    for stride in attention_at:
        one_of("attention_at", stride, strides)
    images, _ = image_input(shape, None)
    _check_levels(shape, widths)
    vector = None if condition is None else keras.Input((validation.integer("condition", condition),), name="condition")
    layers = Blocks(seed)

    def level(x, depth):
        for _ in range(blocks):
            x = layers.convolution(x, widths[depth])
            x = layers.activated(_modulated(layers, _normalized(layers, x, normalization, vector is None), vector))
        if strides[depth] in attention_at:
            x = SelfAttention2D(seed=layers.seed(), name=layers.name("attention"))(x)
        return x

    skips, x = [], images
    for depth in range(len(widths) - 1):
        layers.begin(f"down{strides[depth]}")
        skips.append(level(x, depth))
        x = layers.pooled(skips[-1])
    layers.begin("bottom")
    x = layers.dropped(level(x, len(widths) - 1), dropout)
    for depth, skip in reversed(list(enumerate(skips))):
        layers.begin(f"up{strides[depth]}")
        deeper = layers.enlarged(layers.convolution(x, widths[depth], 1), 2, interpolation="nearest")
        x = level(layers.joined(skip, deeper), depth)
    layers.begin("head")
    start = layers.initializer(layers.seed()) if vector is None else keras.initializers.Zeros()
    last = keras.layers.Conv2D(outputs, 1, kernel_initializer=start, dtype="float32", name=layers.name("conv"))
    return keras.Model(images if vector is None else [images, vector], last(x), name=name)


def _check_levels(shape, widths):
    if len(widths) < 2:
        raise ValueError(f"widths: expected channels of two levels or more, received {widths}.")
    divisor = 2 ** (len(widths) - 1)
    if any(side % divisor for side in shape[:2]):
        raise ValueError(f"shape: expected sides divisible by {divisor}, for {len(widths)} levels, received {shape}.")


def _normalized(layers: Blocks, x: Tensor, kind: str, affine: bool) -> Tensor:
    """Batch or group normalisation, with or without a scale and a shift of its own."""
    options = {"epsilon": 1e-5, "scale": affine, "center": affine, "name": layers.name("norm")}
    if kind == "batch":
        return BatchNormalization(momentum=0.9, **options)(x)
    return keras.layers.GroupNormalization(math.gcd(GROUPS, x.shape[-1]), **options)(x)


def _modulated(layers: Blocks, x: Tensor, condition: Tensor | None) -> Tensor:
    """(1 + s) x + b, with s and b linear in the condition; x itself without one."""
    if condition is None:
        return x
    channels = x.shape[-1]
    numbers = layers.dense(condition, 2 * channels, initializer=lambda seed: keras.initializers.Zeros())
    numbers = keras.layers.Reshape((1, 1, 2 * channels), name=layers.name("reshape"))(numbers)
    scale, shift = ops.split(numbers, 2, axis=-1)
    return (1 + scale) * x + shift
