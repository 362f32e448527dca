"""VGG: small filters, many layers (Simonyan and Zisserman 2015)."""

import keras

from lab.models.blocks import Blocks, image_input, one_of, scaled

LAYERS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # table 1: A, B, D, E


def vgg(shape, classes, *, depth=16, width=1.0, normalize=False, stem=None, seed, name=None):
    """Images `[B, *shape]` -> logits `[B, classes]`: five stages of 3 x 3 convolutions, each halved by max-pooling, and dense layers.

    Kernels start as Glorot and Bengio 2010 have them (section 3.1's footnote). With the small stem, stages end in pooling only while the map
    has two pixels or more, and the head is a mean over positions and a linear map: the paper's has 123 million weights for 224 pixels.

    Args:
        shape: (height, width, channels).
        depth: 11, 13, 16 or 19 layers with weights.
        width: factor of the number of channels.
        normalize: batch normalisation after each convolution, which the paper does not have and 16 layers without pre-training need.
        stem: "large", the paper's; "small"; None chooses by the image's size.
        seed: of the initial weights and of dropout.
    """
    images, small = image_input(shape, stem)
    blocks = Blocks(seed, start=keras.initializers.GlorotUniform)
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
