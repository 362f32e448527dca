"""MobileNet v1 (Howard et al. 2017) and v2 (Sandler et al. 2018)."""

import keras

from lab.engine.types import Tensor
from lab.models.blocks import Blocks, image_input, scaled

SEPARABLE = (  # v1, table 1: channels, stride
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
INVERTED = (  # v2, table 2: expansion, channels, blocks, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet(
    shape: tuple[int, ...],
    classes: int,
    *,
    width: float = 1.0,
    dropout: float = 0.001,
    stem: str | None = None,
    seed: int,
    name: str = "mobilenet",
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: depthwise and 1 x 1 convolutions in turn.

    Each is followed by normalisation and ReLU (table 1). The ReLU is bounded by 6, as in the
    authors' code; the paper's is not.

    With the large stem a map of n pixels is halved to n/2, rounded down, after a row and a column
    of zeros below and at the right, as in `keras.applications`. With the small stem the first
    convolution and the first halving keep the size, and the other halvings round up.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        width: factor of the number of channels (the paper's alpha).
        dropout: before the logits.
        stem: "large", the paper's; "small"; None chooses by the size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
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


def mobilenet_v2(
    shape: tuple[int, ...],
    classes: int,
    *,
    width: float = 1.0,
    dropout: float = 0.0,
    stem: str | None = None,
    seed: int,
    name: str = "mobilenet_v2",
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: inverted residuals, linear bottlenecks.

    A block (table 2) widens by a 1 x 1 convolution, filters each channel, and narrows by a linear
    1 x 1 convolution. Where it keeps size and channels it has a shortcut. With the small stem the
    first convolution and the first halving keep the size.

    Difference from `keras.applications`: the averages of normalisation move by 0.01 in an update,
    not by 0.001. With 0.001 they lag behind the weights for some thousand updates.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        width: factor of the number of channels, which are rounded to multiples of 8.
        dropout: before the logits.
        stem: "large", the paper's; "small"; None chooses by the size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
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


def inverted_residual(blocks: Blocks, x: Tensor, filters: int, expansion: int, strides: int) -> Tensor:
    """A block that is wide inside, and narrow and linear outside."""
    inner = blocks.unit(x, expansion * x.shape[-1], 1) if expansion > 1 else x
    inner = blocks.activated(blocks.normalized(blocks.depthwise(inner, 3, strides)))
    inner = blocks.normalized(blocks.convolution(inner, filters, 1))
    return blocks.added(x, inner) if strides == 1 and x.shape[-1] == filters else inner
