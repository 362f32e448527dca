"""FCN: the class of each pixel, from a classifier's maps at several strides."""

import itertools

import keras

from lab import validation
from lab.models.blocks import Blocks
from lab.vision.pyramid import maps_of


def fcn(backbone: keras.Model, classes: int, *, stride: int = 8, seed: int) -> keras.Model:
    """Images `[B, H, W, C]` -> logits `[B, H, W, classes]`, float32.

    1 x 1 convolutions give scores at each stride, from the backbone's coarsest one to `stride`:

        s_l = score(C_l) + enlarged(s_l+1)

    The last ones are enlarged to the image. `stride` 32, 16 and 8 are the paper's FCN-32s, FCN-16s
    and FCN-8s. A finer stride gives sharper borders. Scores at strides finer than the coarsest
    start at 0 (section 4.2). So the network starts as the coarse one.

    Source: Long, Shelhamer and Darrell 2015.

    Differences from the paper:

    1. Upsampling is bilinear and fixed. There it is learnt, and starts so.
    2. Scores of the coarsest stride start Glorot uniform; there at 0.

    Args:
        backbone: a network of images such as `lab.models.resnet`. The weights are shared with it.
        classes: number of classes.
        stride: the finest at which there are scores, one of the backbone's.
        seed: of the initial weights of the scores.
    """
    validation.integer("classes", classes)
    maps = maps_of(backbone)
    if stride not in maps:
        raise ValueError(f"stride: expected one of {', '.join(map(str, maps))}, those of {backbone.name}, received {stride!r}.")
    strides = [each for each in maps if each >= stride]
    if any(coarse % fine for fine, coarse in itertools.pairwise(strides)):
        raise ValueError(f"backbone: expected strides that divide the next one, received {strides}.")
    blocks = Blocks(seed)
    blocks.begin("score")

    def score(at, start):
        layer = keras.layers.Conv2D(classes, 1, kernel_initializer=start, dtype="float32", name=blocks.name("conv"))
        return layer(maps[at])

    scores = score(strides[-1], keras.initializers.GlorotUniform(blocks.seed()))
    for coarse, fine in itertools.pairwise(reversed(strides)):
        above = blocks.enlarged(scores, coarse // fine, dtype="float32")
        scores = blocks.added(score(fine, keras.initializers.Zeros()), above)
    logits = blocks.enlarged(scores, stride, dtype="float32")
    return keras.Model(backbone.inputs[0], logits, name="fcn")
