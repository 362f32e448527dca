"""The losses of style transfer, each a share of what it is compared with.

Features that are all 0 have a style loss of 1. So one ratio of style to content means the same for
any network and any size of pictures.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.vision.style.features import Features


def gram_matrix(features: Tensor) -> Tensor:
    """The mean products of features over all positions: `[B, H, W, C]` -> `[B, C, C]`, float32.

        G_ij = 1 / (H W) sum over p of F_pi F_pj

    It does not depend on where a feature is. Source: Gatys et al. 2016, eq. 3; the division by the
    number of positions is that of Johnson et al. 2016.
    """
    x = ops.cast(features, "float32")
    height, width = ops.shape(x)[1], ops.shape(x)[2]
    flat = ops.reshape(x, (-1, height * width, x.shape[-1]))
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / ops.cast(height * width, "float32")


def style_loss(grams: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """How far Gram matrices are from those of a style.

        mean over layers of |G - A|² / |A|²,  |.| the Frobenius norm

    Difference from Gatys et al. 2016, eq. 4: a layer's distance is divided by the target's own
    size, not by 4 N² M².

    Args:
        grams: G of each layer, `[B, C, C]`.
        targets: A of each layer, `[C, C]` or `[B, C, C]`.
    """
    shares = [
        ops.mean(ops.sum(ops.square(gram - target), axis=(-2, -1)) / ops.sum(ops.square(target), axis=(-2, -1)))
        for gram, target in zip(grams, targets, strict=True)
    ]
    return sum(shares[1:], shares[0]) / len(shares)


def content_loss(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """How far features are from those of a content.

        mean over layers of |F - C|² / |C - m|²,  m the mean of each channel

    Args:
        features: F of each layer, `[B, H, W, K]`.
        targets: C of each layer, of the same shape.
    """
    shares = []
    for feature, target in zip(features, targets, strict=True):
        own = ops.cast(target, "float32")
        variance = ops.mean(ops.var(own, axis=(1, 2)), axis=-1) + 1e-8  # [B]
        distance = ops.mean(ops.square(ops.cast(feature, "float32") - own), axis=(1, 2, 3))
        shares.append(ops.mean(distance / variance))
    return sum(shares[1:], shares[0]) / len(shares)


def total_variation(pictures: Tensor) -> Tensor:
    """The mean absolute difference of neighbouring pixels, across and down, of `[B, H, W, C]`."""
    down = ops.mean(ops.abs(pictures[:, 1:] - pictures[:, :-1]))
    return down + ops.mean(ops.abs(pictures[:, :, 1:] - pictures[:, :, :-1]))


def style_of(features: Features, picture: np.ndarray, style: np.ndarray) -> float:
    """`style_loss` of a picture `[H, W, 3]` with that of another, in some features."""
    maps = [features.maps(each[None].astype("float32")) for each in (picture, style)]
    return float(style_loss(*([gram_matrix(each[place]) for place in features.style] for each in maps)))
