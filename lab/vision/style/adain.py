"""Any style in one pass: adaptive instance normalisation (Huang and Belongie 2017)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers import MirrorPadding2D
from lab.models.any_size import padded_and_cut, stride_of
from lab.models.blocks import Blocks
from lab.vision.style.features import Features

EPSILON = 1e-5


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """(mean, standard deviation) of each channel of each sample `[B, H, W, C]`: `[B, 1, 1, C]`."""
    x = ops.cast(features, "float32")
    mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
    return mean, ops.sqrt(variance + EPSILON)


@keras.saving.register_keras_serializable(package="lab")
class MomentMatching(keras.layers.Layer):
    """Gives the features of a content the means and standard deviations of a style's.

        t = s_style (c - m_content) / s_content + m_style
        y = strength t + (1 - strength) c

    m and s are those of each channel of each sample.

    Inputs: `[c [B, H, W, C], style [B, H', W', C], strength [B, 1]]`. Output: `[B, H, W, C]`.
    Source: Huang and Belongie 2017, eq. 8 and 14.
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The matched features."""
        content, style, strength = inputs
        mean, deviation = moments(content)
        style_mean, style_deviation = moments(style)
        c = ops.cast(content, "float32")
        matched = style_deviation * (c - mean) / deviation + style_mean
        share = ops.cast(strength, "float32")[:, :, None, None]
        return ops.cast(share * matched + (1 - share) * c, content.dtype)

    def compute_output_shape(self, input_shape: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """The content's shape."""
        return tuple(input_shape[0])


def adain_network(features: Features, *, filters: Sequence[int] = (128, 64, 32), seed: int, name: str = "adain") -> keras.Model:
    """[contents, styles, strengths] -> pictures `[B, H, W, 3]` from -1 to 1.

        encode both, match the moments of the encoded content, decode

    The encoder is fixed: the network of the features up to their content map. Only the decoder is
    trained. It mirrors the encoder: 3 x 3 convolutions with ReLU on mirrored maps, and nearest
    neighbours in between.

    Args:
        features: calibrated ones of a plain network, such as `random_vgg`. A side of its content
            map is the picture's over 2^(number of filters - 1).
        filters: of the decoder at each size, from coarse to fine.
        seed: of the decoder.
        name: of the model.
    """
    encoder = keras.Model(
        features.network.inputs[0], features.network.outputs[features.content[0]], name="encoder", trainable=False
    )
    content, style = (keras.Input((None, None, 3), name=each) for each in ("content", "style"))
    strength = keras.Input((1,), name="strength")
    x = MomentMatching(name="match", dtype="float32")([encoder(content), encoder(style), strength])
    layers = Blocks(seed)
    for stage, width in enumerate(filters):
        layers.begin(f"decode{stage + 1}")
        for _ in range(2):
            x = layers.activated(_convolution(layers, x, width))
        if stage < len(filters) - 1:
            x = layers.enlarged(x, 2, interpolation="nearest")
    layers.begin("head")
    x = MirrorPadding2D(1, name=layers.name("pad"))(x)
    start = keras.initializers.GlorotUniform(layers.seed())
    last = keras.layers.Conv2D(3, 3, activation="tanh", kernel_initializer=start, dtype="float32", name=layers.name("conv"))
    return keras.Model([content, style, strength], last(x), name=name)


def _convolution(layers, x, filters):
    x = MirrorPadding2D(1, name=layers.name("pad"))(x)
    return layers.convolution(x, filters, padding="valid", bias=True)


class AdaINLoss:
    """The decoder's loss (Huang and Belongie 2017, eq. 11 to 13), in shares.

        |f(g(t)) - t|² / var(t) + ratio · mean over maps of
            (|m(g(t)) - m(s)|² + |s(g(t)) - s(s)|²) / (|m(s)|² + |s(s)|²)

    t are the matched features, g the decoder, f the encoder, s the style. A function of (targets,
    pictures): the targets are contents and styles side by side in the channels, `[B, H, W, 6]`.

    Difference from the paper: both parts are divided by the target's own size.

    Args:
        features: those of the network.
        ratio: of style to content, > 0.
    """

    __name__ = "adain_loss"

    def __init__(self, features: Features, *, ratio: float = 10.0) -> None:
        self.features = features
        self.ratio = validation.Interval(over=0, high=1e9).check("ratio", ratio)
        self.match = MomentMatching(dtype="float32")

    def parts(self, targets: Tensor, pictures: Tensor) -> dict[str, Tensor]:
        """The losses "content" and "style"."""
        contents, styles = targets[..., :3], targets[..., 3:]
        place = self.features.content[0]
        of_style, made = self.features.maps(styles), self.features.maps(pictures)
        whole = ops.ones((ops.shape(contents)[0], 1))
        wanted = self.match([self.features.maps(contents)[place], of_style[place], whole])
        variance = ops.mean(ops.var(wanted, axis=(1, 2)), axis=-1) + 1e-8
        distance = ops.mean(ops.square(ops.cast(made[place], "float32") - wanted), axis=(1, 2, 3))
        shares = []
        for number in self.features.style:
            pairs = list(zip(moments(made[number]), moments(of_style[number]), strict=True))
            apart = sum(ops.sum(ops.square(one - other), axis=(1, 2, 3)) for one, other in pairs)
            size = sum(ops.sum(ops.square(other), axis=(1, 2, 3)) for _, other in pairs)
            shares.append(ops.mean(apart / size))
        return {"content": ops.mean(distance / variance), "style": sum(shares[1:], shares[0]) / len(shares)}

    def __call__(self, targets: Tensor, pictures: Tensor) -> Tensor:
        """The loss."""
        found = self.parts(targets, pictures)
        return found["content"] + self.ratio * found["style"]


def apply_adain(network: keras.Model, content: np.ndarray, style: np.ndarray, *, strength: float = 1.0) -> np.ndarray:
    """The content's picture in a style, by `adain_network`, float32 `[H, W, 3]` from -1 to 1.

    Args:
        network: trained.
        content, style: `[H, W, 3]` from -1 to 1, of any sizes.
        strength: 0 is the content, 1 all of the style.
    """
    strength = validation.Interval(0, 1).check("strength", strength)
    stride = stride_of(network.get_layer("encoder"))
    for name, picture, least in (("content", content, 1), ("style", style, stride)):
        if picture.ndim != 3 or picture.shape[-1] != 3 or min(picture.shape[:2]) < least:
            raise ValueError(f"{name}: expected [H, W, 3], H and W >= {least}, received {list(picture.shape)}.")

    def call(x):
        return network([x, style[None].astype("float32"), np.full((1, 1), strength, "float32")], training=False)

    return padded_and_cut(call, content.astype("float32"), stride, 2 * stride)  # the smallest map is mirrored at its edges
