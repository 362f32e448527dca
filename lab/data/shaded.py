"""Solid figures under one light, and their outlines: pairs for a translation of pictures."""

from typing import NamedTuple

import numpy as np

from lab import validation
from lab.data.drawn import kept, versions
from lab.data.figures import FIGURES
from lab.data.scenes import VERSION as OF_SCENES
from lab.data.scenes import scenes

VERSION = 2  # of the pictures; it changes when they do
COLOURS = (  # of each figure: the colours of Okabe and Ito 2008, and two more
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178),
    (213, 94, 0), (204, 121, 167), (153, 79, 0), (90, 170, 60), (170, 170, 170),
)  # fmt: skip
GROUND = (236, 232, 222)
LIGHT = np.array([-0.5, -0.6, 0.62])  # where it comes from: from the left, from above, from the front
AMBIENT = 0.35  # share of the light that comes from everywhere
SHADOW = 0.4  # share of the ground's light that a figure takes away


class Shaded(NamedTuple):
    """Pictures of the same figures."""

    outlines: np.ndarray  # uint8 [N, H, W, 1]: 255 on the outlines of figures, 0 elsewhere
    grey: np.ndarray  # uint8 [N, H, W, 1]: the brightness of `pictures`
    pictures: np.ndarray  # uint8 [N, H, W, 3]


def shaded(count: int, *, size: int = 64, objects: tuple[int, int] = (1, 5), seed: int = 0, cache: bool = True) -> Shaded:
    """`count` pictures of round solids with the outlines of `FIGURES`, in `COLOURS`, with shadows.

    Colour and shading follow from the outlines: each figure has one colour, its height is that of
    a half circle over the distance to its edge, and the light is always the same:

        brightness = ambient + (1 - ambient) max(0, normal · light)    (Lambert)

    Args:
        count: number of pictures.
        size: pixels on a side, >= 16.
        objects: least and greatest number of figures.
        seed: of everything.
        cache: whether pictures are kept in `$LAB_HOME/mlruns/cache`, and read from there.
    """
    count, seed = validation.integer("count", count), validation.integer("seed", seed, 0)
    settings = [VERSION, OF_SCENES, versions(), count, size, list(objects), seed]

    def make():
        drawn = scenes(
            count,
            size=size,
            classes=tuple(FIGURES),
            objects=objects,
            sizes=(0.25, 0.5),
            backgrounds=("slope",),
            seed=seed,
            cache=False,
        )
        pictures = np.stack([_lit(instances, labels) for instances, labels in zip(drawn.instances, drawn.labels)])
        return {"pictures": pictures, "outlines": np.stack([_outline(instances) for instances in drawn.instances])}

    found = kept("shaded", settings, make, cache=cache)
    return Shaded(found["outlines"], grey(found["pictures"]), found["pictures"])


def grey(pictures: np.ndarray) -> np.ndarray:
    """The brightness of pictures `[N, H, W, 3]`, uint8 `[N, H, W, 1]` (ITU-R BT.601)."""
    return np.round(pictures.astype("float32") @ np.array([0.299, 0.587, 0.114], "float32")).astype("uint8")[..., None]


def _outline(instances):
    """255 where a pixel's right or lower neighbour belongs to another figure."""
    edges = np.zeros(instances.shape, bool)
    edges[:, :-1] |= instances[:, :-1] != instances[:, 1:]
    edges[:-1] |= instances[:-1] != instances[1:]
    return np.where(edges, 255, 0).astype("uint8")[..., None]


def _lit(instances, labels):
    """The picture of figures `[H, W]` (0: ground, i + 1: figure i)."""
    from scipy import ndimage

    size = len(instances)
    offset = max(size // 24, 1)
    shadow = ndimage.gaussian_filter(ndimage.shift((instances > 0).astype("float64"), offset, order=0), size / 48)
    picture = np.array(GROUND) * (1 - SHADOW * shadow[..., None])
    for number, label in enumerate(labels[labels >= 0], 1):
        figure = instances == number
        if figure.any():
            picture[figure] = (np.array(COLOURS[label]) * _brightness(figure)[..., None])[figure]
    return np.clip(np.round(picture), 0, 255).astype("uint8")


def _brightness(figure):
    """The light on a solid whose height is a half circle over the distance to its edge."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(figure)
    radius = depth.max()
    height = ndimage.gaussian_filter(np.sqrt(radius**2 - (radius - depth) ** 2), 1.0)
    down, right = np.gradient(height)
    normal = np.stack([-right, -down, np.ones_like(height)], axis=-1)
    cosine = normal @ (LIGHT / np.linalg.norm(LIGHT)) / np.linalg.norm(normal, axis=-1)
    return AMBIENT + (1 - AMBIENT) * np.maximum(cosine, 0)
