"""The maps of a classifier at several strides, and a feature pyramid on them."""

import itertools
from collections.abc import Sequence

import keras

from lab import validation
from lab.models.blocks import Blocks


def maps_of(backbone: keras.Model) -> dict[int, keras.KerasTensor]:
    """The last maps of a network of images at each of its strides, from fine to coarse.

    A stride is the size of the image over that of the map, where that is an integer.

    Args:
        backbone: a functional model such as those of `lab.models`, with images of a fixed size.
    """
    height, width = backbone.inputs[0].shape[1:3]
    found: dict[int, keras.KerasTensor] = {}
    for layer in backbone.layers:
        output = layer.output
        if isinstance(output, list | tuple) or len(output.shape) != 4 or output.shape[1] < 1:
            continue
        stride = height // output.shape[1]
        if (output.shape[1] * stride, output.shape[2] * stride) == (height, width):
            found[stride] = output
    return dict(sorted(found.items()))


def maps_at(backbone: keras.Model, strides: Sequence[int]) -> list[keras.KerasTensor]:
    """The last maps of a network of images at some of its strides.

    Args:
        backbone: as of `maps_of`.
        strides: such as (4, 8, 16).
    """
    found = maps_of(backbone)
    missing = [stride for stride in strides if stride not in found]
    if missing:
        known = ", ".join(map(str, found))
        raise ValueError(f"strides: expected some of {known}, those of {backbone.name}, received {missing[0]}.")
    return [found[stride] for stride in strides]


def feature_pyramid(maps: Sequence[keras.KerasTensor], channels: int, *, seed: int) -> list[keras.KerasTensor]:
    """Maps of one depth at each stride, in which each sees what the coarser ones know.

        P_l = smooth(lateral(C_l) + upsampled(P_l+1 before smoothing))

    Lateral is 1 x 1, smooth is 3 x 3 with normalisation and ReLU. Source: Lin et al. 2017.

    Args:
        maps: C of `maps_at`, from fine to coarse, each half the size of the one before.
        channels: of the results.
        seed: of the initial weights.
    """
    validation.integer("channels", channels)
    sizes = [tuple(each.shape[1:3]) for each in maps]
    for fine, coarse in itertools.pairwise(sizes):
        if fine != tuple(2 * side for side in coarse):
            raise ValueError(f"maps: expected each half the size of the one before, received sizes {sizes}.")
    blocks = Blocks(seed)
    blocks.begin("pyramid")
    merged: list[keras.KerasTensor] = []
    for each in reversed(maps):
        lateral = blocks.normalized(blocks.convolution(each, channels, 1))
        if merged:
            lateral = blocks.added(lateral, blocks.enlarged(merged[-1], 2, interpolation="nearest"))
        merged.append(lateral)
    return [blocks.unit(each, channels) for each in reversed(merged)]
