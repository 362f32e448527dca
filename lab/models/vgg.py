"""VGG: small filters, many layers (Simonyan and Zisserman 2015)."""

import keras

from lab.models.blocks import Blocks, image_input, one_of, scaled

LAYERS = {  # depth: convolutions of each stage (table 1: A, B, D, E)
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


def vgg(
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int = 16,
    width: float = 1.0,
    normalize: bool = False,
    stem: str | None = None,
    seed: int,
    name: str | None = None,
) -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: five stages of 3 x 3 convolutions.

    Max-pooling halves the map after each stage. Two dense layers and a linear map follow. Kernels
    start as in Glorot and Bengio 2010 (footnote of section 3.1).

    With the small stem a stage ends in pooling only if the map has two pixels or more. Its head
    is a mean over positions and a linear map. The paper's dense layers would dominate: they have
    123 of VGG16's 138 million weights, for images of 224 pixels.

    Args:
        shape: (height, width, channels).
        classes: number of classes.
        depth: 11, 13, 16 or 19 layers with weights.
        width: factor of the number of channels.
        normalize: whether batch normalisation follows each convolution. The paper has none;
            16 layers without pre-training need it.
        stem: "large", the paper's; "small"; None chooses by the size of the image.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, initializer=keras.initializers.GlorotUniform)
    x = images
    for stage, count in enumerate(LAYERS[one_of("depth", depth, LAYERS)]):
        blocks.begin(f"stage{stage + 1}")
        for _ in range(count):
            x = blocks.convolution(x, scaled(min(64 * 2**stage, 512), width), bias=not normalize)
            x = blocks.activated(blocks.normalized(x) if normalize else x)
        x = blocks.pooled(x) if min(x.shape[1:3]) >= 2 else x
    if small:
        return keras.Model(images, blocks.classified(x, classes), name=name or f"vgg{depth}")
    blocks.begin("head")
    x = keras.layers.Flatten(name=blocks.name("flat"))(x)
    for _ in range(2):
        x = blocks.dropped(blocks.activated(blocks.dense(x, scaled(4096, width))), 0.5)
    return keras.Model(images, blocks.dense(x, classes, dtype="float32"), name=name or f"vgg{depth}")
