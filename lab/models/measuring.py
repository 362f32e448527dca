"""The networks in whose features images are measured."""

from collections.abc import Callable
from os import PathLike
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.data.conventions import as_floats, require_channels_last


def inception(weights: str | PathLike | None, channels: int = 3) -> keras.Model:
    """InceptionV3 of `keras.applications`, with weights from a file.

        images [B, H, W, channels] in -1..1 -> features [B, 2048]

    Images are resized to 299 x 299 pixels. Grey ones are repeated in three channels. The Fréchet
    distance in these features is FID by the formula of Heusel et al. 2017. Published numbers use
    a port of the network of 2015 and differ a little.

    Args:
        weights: path of the weights without the top, as Keras distributes them. None starts at
            random.
        channels: 1 or 3.
    """
    network = keras.applications.InceptionV3(include_top=False, pooling="avg", weights=weights, input_shape=(299, 299, 3))
    require_channels_last()
    x = images = keras.Input((None, None, channels), name="image")
    x = keras.layers.Resizing(299, 299)(x)
    x = x if channels == 3 else ops.repeat(x, 3, axis=-1)
    return keras.Model(images, network(x), name="inception")


def describe_images(
    model: keras.Model,
    images: np.ndarray,
    batch_size: int = 500,
    *,
    tell: Callable[[int], object] = lambda count: None,
) -> tuple[Any, np.ndarray]:
    """(logits, features) of images, as arrays.

    Args:
        model: images -> [logits, features], or features alone. Then logits are None.
        images: `[N, ...]`, uint8 or from -1 to 1. Some generators make numbers outside -1 … 1.
            They are not clipped.
        batch_size: images in one call of the model.
        tell: called after each batch with its number of images.
    """
    taken = tuple(model.inputs[0].shape[1:])
    received = np.shape(images)
    fits = len(received) == len(taken) + 1 and all(a in (b, None) for a, b in zip(taken, received[1:]))
    if not fits or not len(images):
        raise ValueError(f"images: expected at least one of the size that {model.name} takes, {taken}, received {received}.")
    parts = []
    for start in range(0, len(images), batch_size):
        batch = as_floats(np.asarray(images[start : start + batch_size]))
        outputs = model(ops.convert_to_tensor(batch), training=False)
        parts.append([ops.convert_to_numpy(x) for x in (outputs if isinstance(outputs, (list, tuple)) else [outputs])])
        tell(len(batch))
    joined = [np.concatenate(part) for part in zip(*parts)]
    return (joined[0] if len(joined) > 1 else None), joined[-1]
