"""How much the probability of a class falls when a part of the image is covered."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from lab import validation
from lab.visualize.units import layer_and_unit


def occlusion(
    model: keras.Model,
    images: ArrayLike,
    *,
    classes: int | Sequence[int] | None = None,
    size: int = 5,
    stride: int = 1,
    fill: float = 0.0,
    batch_size: int = 256,
) -> np.ndarray:
    """The loss of a class's probability when a square is covered, `[N, H, W]`.

    Each pixel has the mean over the squares that cover it (Zeiler and Fergus 2014, section 4.2).

    Args:
        model: from images to logits.
        images: `[N, H, W, C]` as the model takes them.
        classes: an integer, or one for each image. None takes the class that the model predicts.
        size: side of the square, pixels.
        stride: pixels between two squares. The last one ends at the edge.
        fill: the value of the covered pixels.
        batch_size: images in one call of the model.
    """
    images = np.asarray(images, "float32")
    size = validation.integer("size", size)
    stride = validation.integer("stride", stride)
    count, height, width = images.shape[:3]
    if size > min(height, width):
        raise ValueError(f"size: expected at most {min(height, width)}, the image's, received {size}.")
    _, unit = layer_and_unit(model, None, classes, ops.convert_to_tensor(images), "classes")
    unit = ops.convert_to_numpy(unit)
    corners = [(top, left) for top in _steps(height, size, stride) for left in _steps(width, size, stride)]

    def probability(batch, classes):
        cuts = [batch[i : i + batch_size] for i in range(0, len(batch), batch_size)]
        parts = [ops.convert_to_numpy(ops.softmax(model(part, training=False))) for part in cuts]
        return np.concatenate(parts)[np.arange(len(batch)), classes]

    lost = np.zeros((count, height, width))
    covered = np.zeros((height, width))
    whole = probability(images, unit)
    for top, left in corners:
        hidden = images.copy()
        hidden[:, top : top + size, left : left + size] = fill
        lost[:, top : top + size, left : left + size] += (whole - probability(hidden, unit))[:, None, None]
        covered[top : top + size, left : left + size] += 1
    return lost / np.maximum(covered, 1)


def _steps(length, size, stride):
    return sorted({*range(0, length - size + 1, stride), length - size})
