"""Shapes and small drawings: what scenes have beside glyphs."""

import functools
from typing import TypeAlias

import numpy as np

from lab.data.glyphs import FINE

Part: TypeAlias = tuple[float, str, tuple[float, ...]]
"""(shade 0 to 1, "polygon" or "ellipse", its numbers x, y, ... in shares of the square)."""


def _regular(corners, inner=None):
    """A regular polygon, or a star whose inner corners have that radius."""
    radii = [0.36] * corners if inner is None else [0.36, inner] * corners
    angles = np.deg2rad(-90) + 2 * np.pi * np.arange(len(radii)) / len(radii)
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(radii)[:, None] + 0.5
    return (1.0, "polygon", tuple(places.ravel().tolist()))


SHAPES: dict[str, list[Part]] = {
    "circle": [(1.0, "ellipse", (0.16, 0.16, 0.84, 0.84))],
    "square": [(1.0, "polygon", (0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8))],
    "triangle": [_regular(3)],
    "star": [_regular(5, 0.15)],
    "hexagon": [_regular(6)],
    "cross": [
        (1.0, "polygon", (0.4, 0.15, 0.6, 0.15, 0.6, 0.85, 0.4, 0.85)),
        (1.0, "polygon", (0.15, 0.4, 0.85, 0.4, 0.85, 0.6, 0.15, 0.6)),
    ],
}
DRAWINGS: dict[str, list[Part]] = {
    "house": [
        (0.9, "polygon", (0.22, 0.48, 0.78, 0.48, 0.78, 0.84, 0.22, 0.84)),
        (0.5, "polygon", (0.14, 0.48, 0.5, 0.16, 0.86, 0.48)),
        (0.3, "polygon", (0.44, 0.6, 0.56, 0.6, 0.56, 0.84, 0.44, 0.84)),
    ],
    "tree": [
        (0.4, "polygon", (0.44, 0.6, 0.56, 0.6, 0.56, 0.86, 0.44, 0.86)),
        (0.8, "ellipse", (0.22, 0.14, 0.78, 0.66)),
    ],
    "car": [
        (0.7, "polygon", (0.3, 0.32, 0.62, 0.32, 0.74, 0.5, 0.24, 0.5)),
        (1.0, "polygon", (0.12, 0.48, 0.88, 0.48, 0.88, 0.68, 0.12, 0.68)),
        (0.25, "ellipse", (0.2, 0.58, 0.38, 0.76)),
        (0.25, "ellipse", (0.62, 0.58, 0.8, 0.76)),
    ],
    "fish": [
        (0.9, "ellipse", (0.14, 0.3, 0.7, 0.7)),
        (0.6, "polygon", (0.62, 0.5, 0.88, 0.3, 0.88, 0.7)),
        (0.1, "ellipse", (0.24, 0.42, 0.32, 0.5)),
    ],
}
FIGURES = {**SHAPES, **DRAWINGS}


@functools.cache
def draw_figure(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A figure in a square of FINE pixels: (shares of ink, shades 0 to 1), float32 each.

    It is blurred as far as `size` pixels demand, as glyphs are.
    """
    from PIL import Image, ImageDraw
    from scipy import ndimage

    large = 4 * FINE
    ink, shade = Image.new("L", (large, large)), Image.new("L", (large, large), 255)
    for part_shade, kind, numbers in FIGURES[name]:
        places = [large * number for number in numbers]
        for picture, fill in ((ink, 255), (shade, round(255 * part_shade))):
            getattr(ImageDraw.Draw(picture), kind)(places, fill=fill)
    arrays = [np.asarray(each.resize((FINE, FINE), Image.Resampling.BOX), "float32") / 255 for each in (ink, shade)]
    blurred = [ndimage.gaussian_filter(each, 0.4 * FINE / size) for each in arrays]
    return blurred[0], blurred[1]
