"""How much a class suffers when a part of the image is covered."""

import numpy as np
from keras import ops

from lab import validation
from lab.visualize.units import layer_and_unit


def occlusion(model, images, *, classes=None, size=5, stride=1, fill=0.0, batch_size=256):
    """The loss of a class's probability when a square is covered: `[N, H, W]`, mean over the squares that cover a pixel (Zeiler and Fergus 2014, section 4.2).

    Args:
        model: from images to logits.
        images: `[N, H, W, C]` as the model takes them.
        classes: an integer, or one for each image; None takes the class that the model does.
        size: side of the square, pixels.
        stride: pixels between two squares; the last one ends at the edge.
        fill: what the square shows.
    """
    images = np.asarray(images, "float32")
    size, stride = validation.integer("size", size), validation.integer("stride", stride)
    count, height, width = images.shape[:3]
    if size > min(height, width):
        raise ValueError(f"size: expected at most {min(height, width)}, the image's, received {size}.")
    _, unit = layer_and_unit(model, None, classes, ops.convert_to_tensor(images), "classes")
    unit = ops.convert_to_numpy(unit)
    corners = [(top, left) for top in _steps(height, size, stride) for left in _steps(width, size, stride)]

    def probability(batch, classes):
        parts = [
            ops.convert_to_numpy(ops.softmax(model(batch[i : i + batch_size], training=False)))
            for i in range(0, len(batch), batch_size)
        ]
        return np.concatenate(parts)[np.arange(len(batch)), classes]

    lost, covered = np.zeros((count, height, width)), np.zeros((height, width))
    whole = probability(images, unit)
    for top, left in corners:
        hidden = images.copy()
        hidden[:, top : top + size, left : left + size] = fill
        lost[:, top : top + size, left : left + size] += (whole - probability(hidden, unit))[:, None, None]
        covered[top : top + size, left : left + size] += 1
    return lost / np.maximum(covered, 1)


def _steps(length, size, stride):
    return sorted({*range(0, length - size + 1, stride), length - size})
