"""The networks in whose maps style and content are described.

All are plain chains of convolutions. Their weights may be random: what a texture looks like can be
described by random filters as well as by trained ones (Ustyuzhaninov et al. 2016; He et al. 2016,
"A powerful generative model using random weights for the deep image representation").
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine import precision as machine
from lab.engine.types import Tensor
from lab.layers import MirrorPadding2D
from lab.models.blocks import Blocks

BLUR = (1, 4, 6, 4, 1)  # the binomial filter before a picture is halved (Burt and Adelson 1983)
EPSILON = 1e-5
COARSEST = 16  # pixels on a side of the coarsest map of `fitting_pyramid`


class Features(NamedTuple):
    """A network, and which of its maps say what."""

    network: keras.Model  # pictures [B, H, W, 3] from -1 to 1 -> maps [B, h, w, C], from fine to coarse
    style: tuple[int, ...]  # the maps whose Gram matrices describe style
    content: tuple[int, ...]  # the maps that describe content
    least: int  # pixels on a side of the smallest picture that it takes

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """All maps of pictures, also where there is only one."""
        found = self.network(pictures)
        return list(found) if isinstance(found, list | tuple) else [found]

    def calibrated(self, *pictures: np.ndarray) -> "Features":
        """The same features of which each has mean 0 and variance 1 before its ReLU.

        The means are over all positions of the pictures `[H, W, 3]`. Without this, a few filters
        with large outputs would make up the Gram matrix, and deep maps would be nearly constant.
        Gatys et al. 2016 scale the filters of VGG in a similar way (section 2).
        """
        network = keras.models.clone_model(self.network)
        network.set_weights(self.network.get_weights())
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D) and not isinstance(layer, keras.layers.DepthwiseConv2D):
                maps = keras.Model(network.inputs[0], layer.output)
                found = [ops.convert_to_numpy(maps(each[None].astype("float32"))).astype("float32") for each in pictures]
                flat = np.concatenate([each.reshape(-1, each.shape[-1]) for each in found])
                mean, deviation = flat.mean(axis=0), flat.std(axis=0) + EPSILON
                layer.kernel.assign(layer.kernel / deviation)
                layer.bias.assign((layer.bias - mean) / deviation)
        return self._replace(network=network)


def random_pyramid(
    *, levels: int = 5, filters: int = 128, size: int = 7, precision: machine.Precision = "float32", seed: int
) -> Features:
    """Random filters at several scales: one convolution and ReLU at each level of a pyramid.

    It is the network of one layer of Ustyuzhaninov et al. 2016, "Texture synthesis using shallow
    convolutional networks with random filters", with one filter size on pictures of several sizes
    in place of several filter sizes.

    Style is in all maps, content in the third, whose pixels are 4 x 4 of the picture. Pictures are
    mirrored at their edges: a black frame would be part of the style.

    Args:
        levels: each has half the side of the one before, after a blur.
        filters: random filters of a level.
        size: their height and width.
        precision: of the convolutions; see `lab.models.set_precision`.
        seed: of the filters.
    """
    levels, filters = validation.integer("levels", levels), validation.integer("filters", filters)
    around = ((validation.integer("size", size) - 1) // 2, size // 2)
    layers = Blocks(seed)
    x = images = keras.Input((None, None, 3), name="pictures")
    maps = []
    for level in range(levels):
        layers.begin(f"level{level + 1}")
        x = _halved(layers, x) if level else x
        y = MirrorPadding2D((around, around), "symmetric", name=layers.name("pad"))(x)
        maps.append(layers.activated(layers.convolution(y, filters, size, padding="valid", bias=True)))
    network = _in(keras.Model(images, maps, name="random_pyramid"), precision)
    least = 2 ** (levels - 1) * max(size // 2, 1)
    return Features(network, tuple(range(levels)), (min(2, levels - 1),), least)


def fitting_pyramid(*pictures: np.ndarray, seed: int) -> Features:
    """`random_pyramid` with five levels, or fewer for pictures with a side below 256 pixels.

    The coarsest map has 16 pixels on a side or more. A smaller one says where things are, not what
    they look like.
    """
    side = min(side for picture in pictures for side in np.shape(picture)[:2])
    return random_pyramid(levels=int(np.clip(np.log2(max(side, 1) / COARSEST) + 1, 1, 5)), seed=seed)


def random_vgg(
    *,
    widths: Sequence[int] = (32, 64, 128, 256),
    depths: Sequence[int] = (2, 2, 3, 1),
    precision: machine.Precision = "float32",
    seed: int,
) -> Features:
    """A VGG with random filters: stages of 3 x 3 convolutions, means of 2 x 2 between them.

    Style is in the first map of each stage, content in that of the third (as in Gatys et al.
    2016, whose network was trained and whose content is one stage deeper).

    Args:
        widths: channels of each stage. VGG19 has (64, 128, 256, 512, 512).
        depths: convolutions of each stage. VGG19 has (2, 2, 4, 4, 4).
        precision: of the convolutions.
        seed: of the filters.
    """
    if len(widths) != len(depths) or not widths:
        raise ValueError(f"depths: expected one for each of {len(widths)} widths, received {depths}.")
    layers = Blocks(seed)
    x = images = keras.Input((None, None, 3), name="pictures")
    maps = []
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        layers.begin(f"stage{stage + 1}")
        x = layers.pooled(x, kind="mean") if stage else x
        for number in range(depth):
            x = layers.activated(layers.convolution(x, width, bias=True))
            maps += [x] if number == 0 else []
    network = _in(keras.Model(images, maps, name="random_vgg"), precision)
    return Features(network, tuple(range(len(maps))), (min(2, len(maps) - 1),), 2 ** len(widths))


def plain_features(model: keras.Model, *, precision: machine.Precision = "float32") -> Features:
    """The maps of a trained plain network, such as `lab.models.vgg`: the first of each stage.

    A stage ends with a pooling layer. Max-pooling becomes mean-pooling, as in Gatys et al. 2016.
    Batch normalisation is folded into the convolutions. A residual network is refused: its maps
    have large peaks, and the peaks make up the Gram matrix (Wang et al. 2021).

    Args:
        model: a chain of convolutions, normalisations, ReLUs and poolings, then a head.
        precision: of the convolutions.
    """
    x = images = keras.Input((None, None, model.inputs[0].shape[-1]), name="pictures")
    maps: list[Any] = []
    fresh = True
    weights: list[tuple[keras.layers.Layer, list[np.ndarray]]] = []
    for layer in model.layers[1:]:
        kind = type(layer).__name__
        if kind == "Conv2D":
            x = _copy_of(layer, weights)(x)
        elif kind == "BatchNormalization":
            _fold(weights, layer)
        elif kind in ("ReLU", "Activation"):
            x = keras.layers.ReLU(name=layer.name)(x)
            maps, fresh = [*maps, x] if fresh else maps, False
        elif kind in ("MaxPooling2D", "AveragePooling2D"):
            x, fresh = keras.layers.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=layer.name)(x), True
        elif kind.startswith(("Global", "Flatten")):
            break
        else:
            raise ValueError(f"model: expected a chain of convolutions, ReLUs and poolings, received {layer.name}, a {kind}.")
    if not maps:
        raise ValueError(f"model: expected at least one convolution with a ReLU, received {model.name}.")
    network = keras.Model(images, maps, name="plain_features")
    for copy, numbers in weights:
        copy.set_weights(numbers)
    content = min(3, len(maps) - 1)
    return Features(_in(network, precision), tuple(range(len(maps))), (content,), 2 ** len(maps))


def _copy_of(layer, weights):
    """A convolution with a bias. Its weights are noted, to be set when it is built."""
    config = layer.get_config() | {"use_bias": True, "activation": None, "dtype": "float32"}
    copy = keras.layers.Conv2D.from_config(config)
    kernel, *bias = layer.get_weights()
    weights.append((copy, [kernel, bias[0] if bias else np.zeros(kernel.shape[-1], "float32")]))
    return copy


def _fold(weights, layer):
    """The last convolution followed by a batch normalisation, as one convolution."""
    copy, (kernel, bias) = weights.pop()
    mean, variance = (ops.convert_to_numpy(each) for each in (layer.moving_mean, layer.moving_variance))
    scale = 1 / np.sqrt(variance + layer.epsilon)
    shift = np.zeros_like(mean)
    if layer.scale:
        scale = scale * ops.convert_to_numpy(layer.gamma)
    if layer.center:
        shift = ops.convert_to_numpy(layer.beta)
    weights.append((copy, [kernel * scale, (bias - mean) * scale + shift]))


def _halved(layers, x):
    """A picture of half the side: blurred, then every second pixel."""
    kernel = np.outer(BLUR, BLUR) / np.sum(BLUR) ** 2
    kernel = np.repeat(kernel[..., None, None], x.shape[-1], axis=2)
    blur = keras.layers.DepthwiseConv2D(
        len(BLUR), 2, use_bias=False, depthwise_initializer=Fixed(kernel.tolist()), name=layers.name("blur")
    )
    return blur(MirrorPadding2D(len(BLUR) // 2, "symmetric", name=layers.name("pad"))(x))


@keras.saving.register_keras_serializable(package="lab")
class Fixed(keras.initializers.Initializer):
    """These numbers."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """The numbers, of that shape."""
        return ops.convert_to_tensor(np.reshape(self.values, shape), dtype)

    def get_config(self) -> dict[str, Any]:
        """The numbers."""
        return {"values": self.values}


def _in(network, precision):
    """Lets all convolutions of a network compute in a precision, also those before its outputs."""
    if machine.chosen(precision, keras.backend.backend()) == "mixed_bfloat16":
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D) and not isinstance(layer, keras.layers.DepthwiseConv2D):
                layer.dtype_policy = "mixed_bfloat16"
    return network
