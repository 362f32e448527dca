"""Inception: GoogLeNet (Szegedy et al. 2015) and Inception v3 (Szegedy et al. 2016)."""

from collections.abc import Callable

import keras

from lab.engine.types import Tensor
from lab.layers import LocalResponseNormalization
from lab.models.blocks import Blocks, image_input, scaled

MODULES = {  # 2015, table 1: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; 1 x 1 after pooling
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = ("4a", "4d")  # modules after which the paper's two auxiliary classifiers stand


def googlenet(
    shape: tuple[int, ...],
    classes: int,
    *,
    width: float = 1.0,
    normalize: bool = False,
    auxiliary: bool = False,
    dropout: float = 0.4,
    stem: str | None = None,
    seed: int,
    name: str = "googlenet",
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: nine modules of four branches (2015, table 1).

    With the small stem, two 3 x 3 convolutions of 64 and 192 channels are all that comes before
    the modules.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        width: factor of the number of channels.
        normalize: True has batch normalisation after each convolution (Ioffe and Szegedy 2015).
            False has local response normalisation after two of them.
        auxiliary: whether the model returns a list: the logits, and those of the two auxiliary
            classifiers. Their losses weigh 0.3 in training (section 5).
        dropout: before the logits.
        stem: "large", the paper's; "small"; None chooses by the size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed)

    def unit(x, filters, size=3, strides=1):
        x = blocks.convolution(x, scaled(filters, width), size, strides, bias=not normalize)
        return blocks.activated(blocks.normalized(x) if normalize else x)

    def response_normalized(x):
        return x if normalize else LocalResponseNormalization(name=blocks.name("lrn"))(x)

    if small:
        x = unit(unit(images, 64), 192)
    else:
        x = response_normalized(blocks.pooled(unit(images, 64, 7, 2), 3, 2, padding="same"))
        x = blocks.pooled(response_normalized(unit(unit(x, 64, 1), 192)), 3, 2, padding="same")
    auxiliary_logits = []
    for module, (one, narrow3, three, narrow5, five, pool) in MODULES.items():
        if module in ("4a", "5a"):
            x = blocks.pooled(x, 3, 2, padding="same")
        blocks.begin(f"inception{module}")
        x = blocks.joined(
            unit(x, one, 1),
            unit(unit(x, narrow3, 1), three),
            unit(unit(x, narrow5, 1), five, 5),
            unit(blocks.pooled(x, 3, 1, padding="same"), pool, 1),
        )
        if auxiliary and module in AUXILIARY:
            auxiliary_logits.append(auxiliary_classifier(blocks, x, classes, unit, scaled(1024, width)))
    logits = blocks.classified(x, classes, dropout=dropout)
    return keras.Model(images, [logits, *auxiliary_logits] if auxiliary else logits, name=name)


def auxiliary_classifier(blocks: Blocks, x: Tensor, classes: int, unit: Callable[..., Tensor], units: int) -> Tensor:
    """Logits from the middle of the network (section 5).

    5 x 5 averages of stride 3, 128 channels, a dense layer, dropout, a linear layer.
    """
    blocks.begin(f"{blocks.stage}-auxiliary")
    x = blocks.pooled(x, 5, 3, kind="mean") if min(x.shape[1:3]) >= 5 else x
    x = keras.layers.Flatten(name=blocks.name("flat"))(unit(x, 128, 1))
    x = blocks.dropped(blocks.activated(blocks.dense(x, units)), 0.7)
    return blocks.dense(x, classes, dtype="float32")


def inception_v3(
    shape: tuple[int, ...],
    classes: int,
    *,
    width: float = 1.0,
    dropout: float = 0.0,
    stem: str | None = None,
    seed: int,
    name: str = "inception_v3",
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: factorised filters.

    The network of the authors' code (2016, table 1, figures 5 to 7), without the auxiliary
    classifier. With the small stem, the five convolutions and two poolings before the modules
    keep the size, and both reductions pad.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        width: factor of the number of channels.
        dropout: before the logits; 0.2 in the authors' code.
        stem: "large", the paper's, for images of 75 pixels or more; "small"; None chooses by the
            size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, epsilon=1e-3, momentum=0.99, scale=False)
    reduction = "same" if small else "valid"  # padding

    def unit(x, filters, size=3, strides=1, padding="same"):
        return blocks.unit(x, scaled(filters, width), size, strides, padding=padding)

    def chain(x, *steps):
        for filters, size in steps:
            x = unit(x, filters, size)
        return x

    def averaged(x):
        return blocks.pooled(x, 3, 1, padding="same", kind="mean")

    x = unit(unit(unit(images, 32, 3, 1 if small else 2, reduction), 32, padding=reduction), 64)
    x = x if small else blocks.pooled(x, 3, 2)
    x = unit(unit(x, 80, 1), 192, padding=reduction)
    x = x if small else blocks.pooled(x, 3, 2)
    for i, filters in enumerate((32, 64, 64)):
        blocks.begin(f"mixed{i}")
        short, long = chain(x, (64, 1)), chain(x, (48, 1), (64, 5))
        x = blocks.joined(short, long, chain(x, (64, 1), (96, 3), (96, 3)), chain(averaged(x), (filters, 1)))
    blocks.begin("mixed3")
    short, long = unit(x, 384, 3, 2, reduction), unit(chain(x, (64, 1), (96, 3)), 96, 3, 2, reduction)
    x = blocks.joined(short, long, blocks.pooled(x, 3, 2, padding=reduction))
    for i, filters in enumerate((128, 160, 160, 192)):
        blocks.begin(f"mixed{i + 4}")
        row, column = (filters, (1, 7)), (filters, (7, 1))
        short, long = chain(x, (192, 1)), chain(x, (filters, 1), row, (192, (7, 1)))
        longest = chain(x, (filters, 1), column, row, column, (192, (1, 7)))
        x = blocks.joined(short, long, longest, chain(averaged(x), (192, 1)))
    blocks.begin("mixed8")
    short = unit(chain(x, (192, 1)), 320, 3, 2, reduction)
    long = unit(chain(x, (192, 1), (192, (1, 7)), (192, (7, 1))), 192, 3, 2, reduction)
    x = blocks.joined(short, long, blocks.pooled(x, 3, 2, padding=reduction))
    for i in (9, 10):
        blocks.begin(f"mixed{i}")
        x = last_module(blocks, x, chain, averaged)
    return keras.Model(images, blocks.classified(x, classes, dropout=dropout), name=name)


def last_module(blocks: Blocks, x: Tensor, chain: Callable[..., Tensor], averaged: Callable[[Tensor], Tensor]) -> Tensor:
    """One of the last modules. Its 3 x 3 filters are a row beside a column (2016, figure 7)."""
    direct = chain(x, (320, 1))
    inner = chain(x, (384, 1))
    short = blocks.joined(chain(inner, (384, (1, 3))), chain(inner, (384, (3, 1))))
    inner = chain(x, (448, 1), (384, 3))
    long = blocks.joined(chain(inner, (384, (1, 3))), chain(inner, (384, (3, 1))))
    return blocks.joined(direct, short, long, chain(averaged(x), (192, 1)))
