"""DeepLab: the class of each pixel, from what surrounds it at several distances."""

from collections.abc import Sequence

import keras

from lab import validation
from lab.engine.types import Tensor
from lab.models.blocks import Blocks, scaled
from lab.vision.pyramid import maps_at

LOW = 48 / 256  # channels of the fine map over those of the others


def deeplab(
    backbone: keras.Model,
    classes: int,
    *,
    strides: tuple[int, int] = (4, 16),
    rates: Sequence[int] = (6, 12, 18),
    channels: int = 64,
    seed: int,
) -> keras.Model:
    """Images `[B, H, W, C]` -> logits `[B, H, W, classes]`, float32: DeepLab v3+.

        encoder    the coarse map by `atrous_pyramid`, enlarged to the fine map
        decoder    both side by side, two 3 x 3 convolutions, logits, enlarged to the image

    Enlarging is bilinear. The fine map is first reduced to 48 / 256 of `channels`, so that the
    encoder's stay the greater part. Source: Chen et al. 2018, section 3.1.

    Differences from the paper:

    1. `channels` is 64, there 256.
    2. Backbones keep their strides. There their last stage is atrous, which halves the stride.
    3. The decoder's convolutions are not separable, as in the paper's networks of ResNets.

    Args:
        backbone: a network of images such as `lab.models.resnet`. The weights are shared with it.
        classes: number of classes.
        strides: (fine, coarse), both the backbone's; the fine one divides the other.
        rates: of the pyramid's convolutions, in pixels of the coarse map. Where that map is
            smaller than a rate, only the centre of the filter meets it.
        channels: of pyramid and decoder.
        seed: of the initial weights of pyramid and decoder.
    """
    validation.integer("classes", classes)
    validation.integer("channels", channels)
    if len(strides) != 2 or strides[0] < 1 or strides[1] % strides[0]:
        raise ValueError(f"strides: expected (fine, coarse), the coarse one a multiple, received {strides!r}.")
    fine, coarse = maps_at(backbone, strides)
    blocks = Blocks(seed)
    context = blocks.enlarged(atrous_pyramid(blocks, coarse, channels, rates), strides[1] // strides[0])
    blocks.begin("decoder")
    x = blocks.joined(blocks.unit(fine, scaled(channels, LOW), 1), context)
    for _ in range(2):
        x = blocks.unit(x, channels)
    start = keras.initializers.GlorotUniform(blocks.seed())
    x = keras.layers.Conv2D(classes, 1, kernel_initializer=start, dtype="float32", name=blocks.name("conv"))(x)
    return keras.Model(backbone.inputs[0], blocks.enlarged(x, strides[0], dtype="float32"), name="deeplab")


def atrous_pyramid(blocks: Blocks, x: Tensor, channels: int, rates: Sequence[int]) -> Tensor:
    """Atrous spatial pyramid pooling: maps `[B, h, w, C]` -> `[B, h, w, channels]`.

    A 1 x 1 convolution, a separable 3 x 3 one of each rate, and one of the mean over the whole map
    stand side by side. A 1 x 1 convolution joins them. Source: Chen et al. 2017, section 3.3.

    Args:
        blocks: make the layers.
        x: maps.
        channels: of each branch and of the result.
        rates: in pixels of the maps.
    """
    blocks.begin("atrous")
    height, width = x.shape[1:3]
    branches = [blocks.unit(x, channels, 1)]
    for rate in rates:
        separable = blocks.separable(x, channels, rate=validation.integer("rates", rate))
        branches.append(blocks.activated(blocks.normalized(separable)))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name=blocks.name("mean"))(x)
    branches.append(blocks.enlarged(blocks.unit(mean, channels, 1), (height, width), interpolation="nearest"))
    return blocks.unit(blocks.joined(*branches), channels, 1)
