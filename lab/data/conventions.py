"""What examples and images are: one convention for all packages.

Examples are one array of finite numbers:

    x: [N, ...]    N examples of one shape

Images have their channels last, one (grey) or three (red, green, blue):

    images: [N, H, W, C]

    stored          uint8      0 (black) to 255 (white)
    computed with   float32   -1 (black) to   1 (white)

    float = uint8 / 127.5 - 1    (`as_floats`, and `as_bytes` back)

Data sets return images as uint8. Networks take floats, and generators return them. Training and
measuring take both kinds. Their checks refuse other ranges, such as 0 to 1, instead of guessing.
"""

from typing import Any

import numpy as np


def as_array(name: str, x: Any) -> np.ndarray:
    """Examples or targets as one array.

    Args:
        name: of the argument, for the message.
        x: an array, a list of numbers, or whatever NumPy takes for an array.

    Raises:
        ValueError: `x` comes batch by batch, as a `tf.data.Dataset` does. Or its examples have
            several shapes, or are not numbers.
    """
    if not isinstance(x, list | tuple) and not hasattr(x, "__array__"):
        way_out = "; np.concatenate(list(batches)) makes one of batches" if hasattr(x, "__iter__") else ""
        raise ValueError(f"{name}: expected an array with all samples, received {type(x).__name__}{way_out}.")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name}: expected samples of one shape, received a list of several shapes.") from error
    if array.dtype.kind in "OUSM":
        raise ValueError(f"{name}: expected numbers, received {array.dtype} of shape {array.shape}.")
    return array


def as_floats(images: np.ndarray) -> np.ndarray:
    """Images as float32. Those of uint8 go from 0 … 255 to -1 … 1, floating-point ones stay.

    Raises:
        ValueError: the images have another dtype.
    """
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(f"images: expected numbers from -1 to 1 or integers from 0 to 255 (uint8), received {images.dtype}.")
    return images.astype("float32") / 127.5 - 1 if images.dtype == np.uint8 else images.astype("float32")


def as_bytes(images: np.typing.ArrayLike) -> np.ndarray:
    """Images from -1 to 1 as uint8, 0 to 255. What is beyond becomes black or white."""
    return np.clip(np.round((np.asarray(images, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def check_numbers(name: str, x: np.ndarray) -> None:
    """Raises unless examples are finite floats or uint8, and images lie in their range.

    Any array of four axes is one of images.

    Args:
        name: of the argument, for the message.
        x: examples `[N, ...]`. An empty array passes.
    """
    if x.dtype == np.uint8 or not x.size:
        return
    if x.dtype.kind != "f" or not np.isfinite(x).all():
        raise ValueError(f"{name}: expected finite numbers or integers from 0 to 255 (uint8), received {_described(x)}.")
    if x.ndim == 4 and (x.min() < -1 or x.max() > 1):
        raise ValueError(f"{name}: expected images from -1 to 1 or, as uint8, from 0 to 255, received {_described(x)}.")


def check_set(name: str, x: np.ndarray) -> None:
    """Raises as `check_numbers` does, and for a whole data set of images from 0 to 1.

    A data set of floats from -1 to 1 has a pixel darker than grey, that is, below 0. One from 0
    to 1 has none. A single batch may have none by chance: for batches there is `check_numbers`.
    """
    check_numbers(name, x)
    if x.ndim == 4 and x.dtype.kind == "f" and x.size and 0 <= x.min() < x.max():
        raise ValueError(
            f"{name}: expected images from -1 to 1, or from 0 to 255 as uint8, received {_described(x)}; "
            f"2 * {name} - 1 if 1 is white."
        )


def require_channels_last() -> None:
    """Raises a ValueError where Keras's images are set to have their channels first.

    The networks here have them last. With the other setting they would be other networks.
    """
    import keras

    if (received := keras.config.image_data_format()) != "channels_last":
        raise ValueError(
            f"image_data_format: expected 'channels_last', which networks of images are made for, received {received!r}; "
            "call keras.config.set_image_data_format('channels_last') first."
        )


def _described(x):
    """An array's type and range."""
    return f"{x.dtype} from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "biuf" else str(x.dtype)
