"""MobileNet v1 (Howard et al. 2017) and v2 (Sandler et al. 2018)."""

import keras

from lab.models.blocks import Blocks, image_input, scaled

SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))  # v1, table 1
INVERTED = (  # v2, table 2: expansion, channels, blocks, stride
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def mobilenet(shape, classes, *, width=1.0, dropout=0.001, stem=None, seed, name="mobilenet"):
    """Images `[B, *shape]` -> logits `[B, classes]`: depthwise and 1 x 1 convolutions in turn, each normalised and rectified (table 1).

    Activations end at 6, as in the authors' code; the paper has ReLU. With the large stem a map of n pixels is halved to n/2, rounded down, by a
    zero below and at the right, as in `keras.applications`. With the small stem the first convolution and the first halving keep the size, and
    the others round up.

    Args:
        shape: (height, width, channels).
        width: factor of the number of channels (the paper's alpha).
        dropout: before the logits.
        stem: "large", the paper's; "small"; None chooses by the image's size.
        seed: of the initial weights and of dropout.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, epsilon=1e-3, momentum=0.99, activation="relu6")
    x = blocks.unit(images, scaled(32, width), 3, 1 if small else 2)
    blocks.begin("stage1")
    halvings = 0
    for filters, strides in SEPARABLE:
        if strides == 2:
            halvings += 1
            blocks.begin(f"stage{halvings + 1}")
        halves = strides == 2 and not small and min(x.shape[1:3]) > 1  # one pixel stays one
        step = 1 if small and halvings == 1 else strides
        x = blocks.depthwise(x, 3, step, padding=((0, 1), (0, 1)) if halves else "same")
        x = blocks.unit(blocks.activated(blocks.normalized(x)), scaled(filters, width), 1)
    return keras.Model(images, blocks.classified(x, classes, dropout=dropout), name=name)


def mobilenet_v2(shape, classes, *, width=1.0, dropout=0.0, stem=None, seed, name="mobilenet_v2"):
    """Images `[B, *shape]` -> logits `[B, classes]`: inverted residuals with linear bottlenecks (table 2).

    A block widens by a 1 x 1 convolution, filters each channel and narrows by a linear 1 x 1 convolution; where it keeps size and channels
    there is a shortcut around it. With the small stem the first convolution and the first halving keep the size. The averages of normalisation
    forget 0.01 in an update; in `keras.applications` it is 0.001, by which a network is not what it learnt before some thousand updates.

    Args:
        shape: (height, width, channels).
        width: factor of the number of channels, rounded to multiples of 8.
        dropout: before the logits.
        stem: "large", the paper's; "small"; None chooses by the image's size.
        seed: of the initial weights and of dropout.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, epsilon=1e-3, momentum=0.99, activation="relu6")
    x = blocks.unit(images, scaled(32, width, 8), 3, 1 if small else 2)
    for stage, (expansion, filters, count, strides) in enumerate(INVERTED):
        blocks.begin(f"stage{stage + 1}")
        for i in range(count):
            step = strides if i == 0 and not (small and stage == 1) else 1
            x = inverted_residual(blocks, x, scaled(filters, width, 8), expansion, step)
    blocks.begin("last")
    x = blocks.unit(x, scaled(1280, max(width, 1.0), 8), 1)
    return keras.Model(images, blocks.classified(x, classes, dropout=dropout), name=name)


def inverted_residual(blocks, x, filters, expansion, strides):
    """Wide inside, narrow and linear outside."""
    inner = blocks.unit(x, expansion * x.shape[-1], 1) if expansion > 1 else x
    inner = blocks.activated(blocks.normalized(blocks.depthwise(inner, 3, strides)))
    inner = blocks.normalized(blocks.convolution(inner, filters, 1))
    return blocks.added(x, inner) if strides == 1 and x.shape[-1] == filters else inner
