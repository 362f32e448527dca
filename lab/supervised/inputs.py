"""What a network and its loss accept, and one clear line about what they do not."""

from collections.abc import Callable

import keras
import numpy as np

from lab.data.conventions import as_array, as_floats, check_numbers, check_set
from lab.engine import private


def takes_symbols(network: keras.Model) -> bool:
    """Whether a network's inputs are integer symbols."""
    return "int" in network.inputs[0].dtype


def as_taken(network: keras.Model, x: np.ndarray) -> np.ndarray:
    """Inputs `[N, ...]` as a network takes them: uint8 images from -1 to 1, symbols as int32."""
    if takes_symbols(network):
        return x.astype("int32")
    return as_floats(x) if x.dtype == np.uint8 else x


def check_inputs(
    network: keras.Model,
    x: np.typing.ArrayLike,
    *,
    check_images: Callable[[str, np.ndarray], None] = check_numbers,
) -> np.ndarray:
    """Inputs must be what the network takes. Returns them as an array.

    That is: examples of its shape, with finite numbers, or symbols that it knows. There must be
    at least one example, and no sequence of length 0.
    """
    array: np.ndarray = as_array("x", x)
    taken = tuple(network.inputs[0].shape[1:])
    if not _fits(array.shape[1:], taken):
        raise ValueError(f"x: expected examples of shape {taken}, received {array.shape[1:]}.")
    if not len(array) or 0 in array.shape[1:]:
        what = "examples" if not len(array) else "sequences or images"
        raise ValueError(f"x: expected {what} with something in them, received shape {array.shape}.")
    if takes_symbols(network):
        check_symbols(network, array)
    elif array.ndim == 4:
        check_images("x", array)
    else:
        _check_finite("x", array)
    return array


def check_symbols(network: keras.Model, x: np.ndarray) -> None:
    """Symbols must be integers below the size of each `Embedding`."""
    if x.dtype.kind not in "iu":
        raise ValueError(f"x: expected integer symbols, received {x.dtype}.")
    known = [layer.input_dim for layer in private.flatten_layers(network) if isinstance(layer, keras.layers.Embedding)]
    if known and not 0 <= x.min() <= x.max() < min(known):
        raise ValueError(f"x: expected symbols from 0 to {min(known) - 1}, received {x.min()} to {x.max()}.")


def check_examples(
    network: keras.Model,
    x: np.typing.ArrayLike,
    y: np.typing.ArrayLike | None,
    classes: int | None,
    *,
    own_loss: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets must be what the network and the loss take. Returns both as arrays.

    Args:
        classes: targets are labels from 0 to classes - 1, one for each vector of logits.
            None: targets are numbers, in the shape of the network's outputs.
        own_loss: the caller brings a loss. It may take targets of any shape.
    """
    examples = check_inputs(network, x, check_images=check_set)
    targets: np.ndarray = as_array("y", y)
    if len(targets) != len(examples):
        raise ValueError(f"y: expected {len(examples)} targets, received {len(targets)}.")
    outputs = tuple(network.outputs[0].shape[1:])
    expected = outputs if classes is None else outputs[:-1]
    if not own_loss and not _fits(targets.shape[1:], expected):
        raise ValueError(f"y: expected targets of shape {expected}, received {targets.shape[1:]}.")
    if classes is None:
        _check_finite("y", targets)
        return examples, targets
    if targets.dtype.kind not in "iu":
        raise ValueError(f"y: expected integer labels, received {targets.dtype}.")
    if targets.min() < 0 or targets.max() >= classes:
        raise ValueError(f"y: expected labels from 0 to {classes - 1}, received {targets.min()} to {targets.max()}.")
    return examples, targets


def _fits(received, expected):
    """Whether a shape is the expected one. None in the expected one is any size."""
    return len(received) == len(expected) and all(wanted in (None, got) for wanted, got in zip(expected, received))


def _check_finite(name, x):
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise ValueError(f"{name}: expected finite numbers, received {int((~np.isfinite(x)).sum())} that are not.")
