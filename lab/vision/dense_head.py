"""What detectors share that say something at every place of every level of a pyramid."""

import math
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.models.blocks import Blocks
from lab.vision.suppression import suppress

CANDIDATES = 1_000  # boxes of a picture that `best_boxes` compares

Branches = Mapping[str, Sequence[tuple[str, int, float]]]
"""{name of a tower: its outputs, each (name, numbers, initial bias)}."""


def dense_head(
    maps: Sequence[keras.KerasTensor], branches: Branches, *, channels: int, depth: int, anchors: int = 1, seed: int
) -> keras.KerasTensor:
    """The outputs at all places of all maps, `[B, P, numbers]`, float32.

    Each tower has `depth` convolutions with group normalisation and ReLU. All levels share them.
    Places are in rows, fine levels first, and the anchors of a place follow each other. The numbers
    are in the order of `branches`.

    Args:
        maps: of a feature pyramid, from fine to coarse.
        branches: towers and their outputs; the numbers are those of one anchor.
        channels: of the towers.
        depth: convolutions of a tower.
        anchors: of a place.
        seed: of the initial weights.
    """
    blocks = Blocks(seed)
    made = []
    for tower, outputs in branches.items():
        blocks.begin(tower)
        hidden = [layer for _ in range(depth) for layer in group_unit(blocks, channels)]
        last = [
            (numbers, _convolution(blocks, anchors * numbers, 3, bias=bias, dtype="float32", name=f"{tower}_{name}"))
            for name, numbers, bias in outputs
        ]
        made.append((hidden, last))
    levels = []
    for x in maps:
        parts = []
        for hidden, last in made:
            y = x
            for layer in hidden:
                y = layer(y)
            parts += [ops.reshape(layer(y), (-1, x.shape[1] * x.shape[2] * anchors, numbers)) for numbers, layer in last]
        levels.append(ops.concatenate(parts, axis=-1))
    return ops.concatenate(levels, axis=1)


def group_unit(blocks: Blocks, channels: int) -> tuple[keras.layers.Layer, ...]:
    """The layers of a unit: a convolution of 3 x 3, group normalisation and ReLU."""
    groups = math.gcd(32, max(channels // 2, 1))
    return (
        _convolution(blocks, channels, 3, bias=None, dtype=None, name=blocks.name("conv")),
        keras.layers.GroupNormalization(groups, epsilon=1e-5, name=blocks.name("norm")),
        keras.layers.ReLU(name=blocks.name("relu")),
    )


def _convolution(blocks, filters, size, *, bias, dtype, name):
    start = keras.initializers.HeNormal(blocks.seed())
    if bias is not None:
        start = keras.initializers.RandomNormal(stddev=0.01, seed=blocks.seed())
    return keras.layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=bias is not None,
        kernel_initializer=start,
        bias_initializer=keras.initializers.Constant(bias or 0.0),
        dtype=dtype,
        name=name,
    )


def places(size: Sequence[int], strides: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(the middles x, y of all places in pixels `[P, 2]`, their strides `[P]`), float32.

    Args:
        size: height and width of the picture.
        strides: of the levels.
    """
    middles, steps = [], []
    for stride in strides:
        y, x = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride), indexing="ij")
        middles.append((np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride)
        steps.append(np.full(x.size, stride))
    return np.concatenate(middles).astype("float32"), np.concatenate(steps).astype("float32")


def one_hot_labels(labels: Tensor, classes: int) -> Tensor:
    """Labels `[...]` -> 0 or 1 `[..., classes]`; all 0 where the label is negative."""
    known = ops.cast(labels >= 0, "float32")[..., None]
    return known * ops.one_hot(ops.maximum(labels, 0), classes, dtype="float32")


def best_boxes(
    scores: Tensor, boxes: Tensor, *, least: float, threshold: float, most: int, candidates: int = CANDIDATES
) -> tuple[Tensor, Tensor, Tensor]:
    """(boxes `[B, K, 4]`, scores `[B, K]`, labels `[B, K]`) after suppression in each class.

    Args:
        scores: of each class at each place, `[B, P, classes]`.
        boxes: `[B, P, 4]`.
        least: scores below it do not count.
        threshold: IoU of suppression.
        most: K.
        candidates: boxes of a picture that are compared, those with the highest scores.
    """
    classes = scores.shape[-1]
    count = min(candidates, boxes.shape[1] * classes)
    best, indices = ops.top_k(ops.reshape(scores, (-1, boxes.shape[1] * classes)), count)
    labels = ops.cast(indices % classes, "int32")
    compared = ops.take_along_axis(boxes, ops.cast(indices // classes, "int32")[..., None], axis=1)
    best = ops.where(best >= least, best, 0)
    kept, kept_scores = suppress(compared, best, labels, threshold=threshold, most=most)
    return (
        ops.take_along_axis(compared, kept[..., None], axis=1),
        kept_scores,
        ops.take_along_axis(labels, kept, axis=1),
    )
