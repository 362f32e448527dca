"""Generated textures and the photographs that libraries ship, as backgrounds of any size."""

import functools
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from lab import validation
from lab.validation import require_name


def texture(kind: str, size: int, *, seed: int = 0) -> np.ndarray:
    """A texture of random colours, float32 `[size, size, 3]`, 0 to 1.

    Args:
        kind: one of `TEXTURES`; `MIXED`; or a photograph: then a random part of it, scaled.
        size: pixels on a side.
        seed: of all that is drawn.
    """
    require_name("kind", kind, KINDS)
    return drawn(kind, validation.integer("size", size, 2), np.random.default_rng(seed))


def drawn(kind: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """As `texture`, of a generator."""
    if kind not in TEXTURES and kind != MIXED:
        return _part(kind, size, rng)
    if kind == MIXED:
        plain = [name for name in KNOWN_TEXTURES if name != MIXED]
        first, second, shares = (plain[index] for index in rng.integers(0, len(plain), 3))
        share = TEXTURES[shares](size, rng).astype("float32")[..., None]
        return drawn(first, size, rng) * (1 - share) + drawn(second, size, rng) * share
    colours = rng.uniform(0, 1, (2, 3)).astype("float32")
    shares = TEXTURES[kind](size, rng).astype("float32")[..., None]
    return np.clip(colours[0] + shares * (colours[1] - colours[0]), 0, 1)


def _lattice(size, cells, rng):
    """Smooth noise of so many cells on a side, 0 to 1."""
    from scipy import ndimage

    coarse = rng.uniform(0, 1, (cells + 3, cells + 3))
    line = np.linspace(1, cells + 1, size, endpoint=False)
    return ndimage.map_coordinates(coarse, np.meshgrid(line, line, indexing="ij"), order=3, mode="nearest")


def _clouds(size, rng):
    cells = [2, 4, 8, 16, 32]
    layers = sum(_lattice(size, number, rng) / number**0.7 for number in cells)
    return _stretched(layers)


def _grain(size, rng):
    return _stretched(_lattice(size, 2, rng) + 0.6 * rng.uniform(0, 1, (size, size)))


def _places(size, rng, least, greatest):
    """Turned places in cells of a random width, in shares of the picture: two arrays."""
    angle, width = rng.uniform(0, np.pi), rng.uniform(least, greatest)
    line = np.linspace(-0.5, 0.5, size, endpoint=False)
    y, x = np.meshgrid(line, line, indexing="ij")
    moved = rng.uniform(0, 1, 2)
    turned = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return turned[0] / width + moved[0], turned[1] / width + moved[1]


def _stripes(size, rng):
    along, _ = _places(size, rng, 0.05, 0.3)
    return 0.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * along))


def _checks(size, rng):
    along, across = _places(size, rng, 0.1, 0.4)
    return 0.5 + 0.5 * np.tanh(6 * np.sin(2 * np.pi * along) * np.sin(2 * np.pi * across))


def _dots(size, rng):
    along, across = _places(size, rng, 0.06, 0.2)
    distance = np.hypot(along % 1 - 0.5, across % 1 - 0.5)
    return 1 / (1 + np.exp(40 * (distance - rng.uniform(0.15, 0.35))))


def _waves(size, rng):
    along, across = _places(size, rng, 0.1, 0.3)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (along + rng.uniform(0.2, 0.6) * np.sin(2 * np.pi * across * 0.7)))


def _cells(size, rng):
    from scipy.spatial import cKDTree

    count = rng.integers(15, 80)
    line = np.linspace(0, 1, size, endpoint=False)
    places = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    near, _ = cKDTree(rng.uniform(-0.1, 1.1, (count, 2))).query(places, 2)
    return _stretched((near[:, 1] - near[:, 0]).reshape(size, size))


def _bricks(size, rng):
    along, across = _places(size, rng, 0.1, 0.3)
    row = np.floor(2 * across)
    gap = np.minimum(*(np.minimum(part % 1, 1 - part % 1) for part in (along + 0.5 * (row % 2), 2 * across)))
    return 1 / (1 + np.exp(-60 * (gap - 0.06))) * (0.7 + 0.3 * _lattice(size, 12, rng))


def _slope(size, rng):
    along, across = _places(size, rng, 0.8, 1.6)
    return _stretched(along + 0.3 * np.sin(2 * np.pi * across))


def _woven(size, rng):
    """A random network of sines of the place (Stanley 2007), of a random fineness."""
    values = np.stack(_places(size, rng, 0.15, 1.2), axis=-1)
    for width in (8, 8, 1):
        weights, start = rng.normal(size=(values.shape[-1], width)), rng.uniform(0, 2 * np.pi, width)
        values = np.sin(values @ (weights * rng.uniform(1, 3)) + start)
    return _stretched(values[..., 0])


def _stretched(values):
    low, high = values.min(), values.max()
    return (values - low) / (high - low)


TEXTURES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "clouds": _clouds,
    "stripes": _stripes,
    "dots": _dots,
    "slope": _slope,
    "cells": _cells,
    "woven": _woven,
    "grain": _grain,
    "checks": _checks,
    "waves": _waves,
    "bricks": _bricks,
}
MIXED = "mixed"
"""Two of the kinds to train on, with the shares of a third."""
KNOWN_TEXTURES = ("clouds", "stripes", "dots", "slope", "cells", "woven", MIXED)
"""The kinds to train on."""
NEW_TEXTURES = ("grain", "checks", "waves", "bricks")
"""The kinds to test on."""
PHOTOGRAPHS = ("china", "flower", "hopper")
"""Of scikit-learn (CC BY 2.0) and of matplotlib (public domain)."""
MORE_PHOTOGRAPHS = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "rocket",
)
"""Of scikit-image (CC0 or public domain), which the extra `data` installs."""
KINDS = (*TEXTURES, MIXED, *PHOTOGRAPHS, *MORE_PHOTOGRAPHS)


def require_packages(names: Collection[str]) -> None:
    """Raises a ValueError if a kind of texture needs a package that is not installed."""
    import importlib.util

    if set(names) & set(MORE_PHOTOGRAPHS) and importlib.util.find_spec("skimage") is None:
        raise ValueError("scikit-image: expected it to be installed, received none; pip install '.[data]'")


@functools.cache
def photograph(name: str) -> np.ndarray:
    """A photograph that a library ships, uint8 `[H, W, 3]`.

    china.jpg and flower.jpg of scikit-learn are by Denis Jarvis and by Yann Forget, CC BY 2.0.
    grace_hopper.jpg of matplotlib is in the public domain. Those of scikit-image are in the public
    domain or CC0. Grey ones have three equal channels.

    Args:
        name: one of `PHOTOGRAPHS` or of `MORE_PHOTOGRAPHS`.
    """
    require_name("name", name, (*PHOTOGRAPHS, *MORE_PHOTOGRAPHS))
    if name in MORE_PHOTOGRAPHS:
        require_packages([name])
        import skimage.data

        whole = getattr(skimage.data, name)()
        return np.asarray(whole if whole.ndim == 3 else np.repeat(whole[..., None], 3, axis=-1))
    if name == "hopper":
        import matplotlib
        from PIL import Image

        with Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") as picture:
            return np.asarray(picture.convert("RGB"))
    from sklearn.datasets import load_sample_image

    return np.asarray(load_sample_image(f"{name}.jpg"))


def _part(name, size, rng):
    """A random square of a photograph, scaled to `size` pixels, sometimes mirrored."""
    from PIL import Image

    whole = photograph(name)
    side = int(rng.integers(min(96, *whole.shape[:2]), min(whole.shape[:2]) + 1))
    top, left = (int(rng.integers(0, length - side + 1)) for length in whole.shape[:2])
    part = whole[top : top + side, left : left + side][:, :: rng.choice([-1, 1])]
    scaled = Image.fromarray(np.ascontiguousarray(part)).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(scaled, "float32") / 255
