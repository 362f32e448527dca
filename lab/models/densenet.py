"""DenseNet-BC: every layer sees all layers before it (Huang et al. 2017)."""

import keras

from lab.models.blocks import Blocks, image_input, scaled

LAYERS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}  # table 1


def densenet(
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int = 121,
    growth: int | None = None,
    compression: float = 0.5,
    width: float = 1.0,
    dropout: float = 0.0,
    stem: str | None = None,
    seed: int,
    name: str | None = None,
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: dense blocks of bottlenecks.

    Between the blocks transitions halve the map and the channels. A bottleneck is a 1 x 1
    convolution to 4 `growth` channels and a 3 x 3 one to `growth`, each after normalisation and
    ReLU. Its output is joined to its input.

    The small stem is a 3 x 3 convolution of twice the growth. Depths of 6 n + 4 have three
    blocks. The paper's own network of 40 layers has no bottlenecks. With them it has about a
    sixth of its million weights.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        depth: 121, 169 or 201; with the small stem also 6 n + 4 (the paper's 100 with growth 12).
        growth: channels that a layer adds. None: 12 with three blocks, otherwise 32.
        compression: share of the channels that a transition keeps.
        width: factor of the growth.
        dropout: after each convolution. The paper's 0.2 is for data that is not augmented.
        stem: "large" (7 x 7 and pooling, both of stride 2), "small" (3 x 3), or None, which
            chooses by the size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, epsilon=1.001e-5, momentum=0.99)
    counts: tuple[int, ...] | None = LAYERS.get(depth)
    if counts is None:
        if not small or depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth: expected 121, 169, 201 or, for small images, 6 n + 4 with n >= 1, received {depth}.")
        counts = ((depth - 4) // 6,) * 3
    k = scaled(growth or (32 if depth in LAYERS else 12), width)
    if small:
        x = blocks.convolution(images, 2 * k)
    else:
        x = blocks.pooled(blocks.unit(images, 2 * k, 7, 2, padding=3), 3, 2, padding=1)
    for stage, count in enumerate(counts):
        blocks.begin(f"stage{stage + 1}")
        for _ in range(count):
            inner = blocks.convolution(blocks.activated(blocks.normalized(x)), 4 * k, 1)
            inner = blocks.convolution(blocks.activated(blocks.normalized(blocks.dropped(inner, dropout))), k)
            x = blocks.joined(x, blocks.dropped(inner, dropout))
        if stage < len(counts) - 1:
            x = blocks.convolution(blocks.activated(blocks.normalized(x)), int(compression * x.shape[-1]), 1)
            x = blocks.pooled(blocks.dropped(x, dropout), kind="mean")
    x = blocks.activated(blocks.normalized(x))
    usual = f"densenet{depth}" if depth in LAYERS else f"densenet_bc{depth}"
    return keras.Model(images, blocks.classified(x, classes), name=name or usual)
