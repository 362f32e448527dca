"""Convolutional networks on one picture of any size."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor


def any_size(network: keras.Model) -> keras.Model:
    """The network with a spatial size of None, and the same weights.

    It is the network itself where its input has no size. Otherwise it is a copy: later changes of
    the network's weights do not reach it.

    Args:
        network: a functional model of pictures, of convolutions, poolings and elementwise layers.
    """
    *_, height, width, channels = network.inputs[0].shape
    if height is None and width is None:
        return network
    copy = keras.models.clone_model(network, input_tensors=keras.Input((None, None, channels)))
    copy.set_weights(network.get_weights())
    return copy


def stride_of(network: keras.Model) -> int:
    """By how much a network shrinks a picture on its way to the smallest map."""
    return int(np.prod([getattr(layer, "strides", (1,))[0] for layer in network.layers]))


def padded_and_cut(call: Callable[[np.ndarray], Tensor], picture: np.ndarray, stride: int, least: int = 0) -> np.ndarray:
    """What `call` makes of a picture `[H, W, C]` whose sides it may not take: `[H, W, C']`.

    The picture is mirrored beyond its right and lower edges up to a multiple of the stride, and
    the result is cut.

    Args:
        call: function `[1, H', W', C]` -> `[1, H', W', C']`, sides divisible by the stride.
        picture: float32.
        stride: see `stride_of`.
        least: pixels that a side has after the mirroring, at least.
    """
    height, width = picture.shape[:2]
    least += -least % stride
    missing = [max(-side % stride, least - side) for side in (height, width)]
    padded = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    return ops.convert_to_numpy(call(padded[None]))[0, :height, :width]
