"""The networks in whose features images are measured."""

import keras
import numpy as np
from keras import ops

from lab.models.stages import require_channels_last


def inception(weights, channels=3):
    """InceptionV3 of `keras.applications` with weights from a file: images `[B, H, W, channels]` in -1..1 -> features `[B, 2048]`.

    Images are resized to 299 x 299 pixels, grey ones repeated in three channels. The Fréchet distance in these features is FID by
    Heusel et al. 2017's formula; published numbers are of a port of the network of 2015, and differ by a little.

    Args:
        weights: path of the weights without the top, as Keras distributes them; None starts at random.
    """
    network = keras.applications.InceptionV3(include_top=False, pooling="avg", weights=weights, input_shape=(299, 299, 3))
    require_channels_last()
    x = images = keras.Input((None, None, channels), name="image")
    x = keras.layers.Resizing(299, 299)(x)
    x = x if channels == 3 else ops.repeat(x, 3, axis=-1)
    return keras.Model(images, network(x), name="inception")


def as_floats(images):
    """Images as float32: integers from 0 to 255 (uint8) become -1 to 1, floating-point ones stay what they are."""
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(f"images: expected numbers from -1 to 1 or integers from 0 to 255 (uint8), received {images.dtype}.")
    return images.astype("float32") / 127.5 - 1 if images.dtype == np.uint8 else images.astype("float32")


def as_array(name, x):
    """Samples or targets as an array. What gives them batch by batch, such as a `tf.data.Dataset`, is refused."""
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


def check_numbers(name, x):
    """Samples must be finite; images, `[N, H, W, C]`, from -1 to 1 or, as uint8, from 0 to 255."""
    if x.dtype == np.uint8 or not x.size:
        return
    if x.dtype.kind != "f" or not np.isfinite(x).all():
        raise ValueError(f"{name}: expected finite numbers or integers from 0 to 255 (uint8), received {_in_words(x)}.")
    if x.ndim == 4 and (x.min() < -1 or x.max() > 1):
        raise ValueError(f"{name}: expected images from -1 to 1 or, as uint8, from 0 to 255, received {_in_words(x)}.")


def check_set(name, x):
    """As `check_numbers`, for a whole data set: of images from -1 to 1 some pixel is darker than grey, in those from 0 to 1 none."""
    check_numbers(name, x)
    if x.ndim == 4 and x.dtype.kind == "f" and x.size and 0 <= x.min() < x.max():
        raise ValueError(
            f"{name}: expected images from -1 to 1, or from 0 to 255 as uint8, received {_in_words(x)}; 2 * {name} - 1 if 1 is white."
        )


def _in_words(x):
    """What an array holds."""
    return f"{x.dtype} from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "biuf" else str(x.dtype)


def describe_images(model, images, batch_size=500, *, tell=lambda count: None):
    """(logits, features) of images `[N, ...]`, uint8 or -1..1, as arrays. Numbers beyond -1 and 1, which some generators make, stay what they are.

    Args:
        model: images -> [logits, features], or features alone; logits are then None.
        tell: called with the number of images of each batch that is done.
    """
    taken, received = tuple(model.inputs[0].shape[1:]), np.shape(images)
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
