"""Masks of objects as annotations store them: polygons, runs, and pictures of numbers.

Each has `mask(letterbox)`, which draws it: bool `[H, W]` on the letterbox's canvas.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from lab.data.letterboxes import Letterbox

VOID = 255  # the class of a pixel that losses and metrics leave out


class Polygons(NamedTuple):
    """Polygons that together are one object."""

    points: tuple[np.ndarray, ...]  # float64 [K, 2] each: x, y in pixels of the picture

    def mask(self, letterbox: Letterbox) -> np.ndarray:
        """The pixels of the canvas in any of the polygons."""
        moved = (points * letterbox.scale + letterbox.shift for points in self.points)
        return np.logical_or.reduce([filled(points, *letterbox.canvas) for points in moved])


class Runs(NamedTuple):
    """COCO's runs of pixels, column after column, by turns outside and inside."""

    counts: np.ndarray  # int64 [R], beginning with those outside
    size: tuple[int, int]  # width, height

    def mask(self, letterbox: Letterbox) -> np.ndarray:
        """The pixels of the canvas whose nearest pixel of the picture is inside."""
        inside = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        return letterbox.classes_there(inside.reshape(self.size).T, False)


class Region(NamedTuple):
    """The pixels of a file that have one value."""

    path: Path
    value: int

    def mask(self, letterbox: Letterbox) -> np.ndarray:
        """The pixels of the canvas whose nearest pixel of the file has the value."""
        return letterbox.classes_there(numbers_in(self.path) == self.value, False)


Shape: TypeAlias = Polygons | Runs | Region


class Regions(NamedTuple):
    """A file whose pixels say the class plus 1, 0 for background and 255 for void."""

    path: Path
    table: tuple[int, ...]  # what each value of the file means, [256]

    def classes(self, letterbox: Letterbox) -> np.ndarray:
        """The class plus 1 of each pixel of the canvas, uint8 `[H, W]`. Bars are void."""
        return letterbox.classes_there(np.array(self.table, "uint8")[numbers_in(self.path)], VOID)


def filled(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """The pixels whose centres lie inside a polygon, bool `[height, width]`.

    Where the polygon crosses itself, what it surrounds twice is outside (the even-odd rule). A
    centre on a left or upper edge is inside, one on a right or lower edge is not. So the square
    from (1, 1) to (3, 3) has 4 pixels. Pillow's `ImageDraw.polygon` would draw 9: it adds the
    pixels on which the outline lies.

    Args:
        points: `[K, 2]`, x and y. The last is joined to the first.
        width, height: of the mask.
    """
    (x, y), (next_x, next_y) = points.T, np.roll(points, -1, axis=0).T
    first, stop = (np.clip(np.ceil(ends(y, next_y) - 0.5), 0, height).astype(int) for ends in (np.minimum, np.maximum))
    counts = stop - first  # rows whose centres an edge passes
    edge = np.repeat(np.arange(len(points)), counts)
    row = np.arange(len(edge)) + np.repeat(first - counts.cumsum() + counts, counts)
    crossed = x[edge] + (row + 0.5 - y[edge]) * (next_x - x)[edge] / (next_y - y)[edge]
    column = np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)
    crossings = np.zeros((height, width + 1), int)
    np.add.at(crossings, (row, column), 1)
    return crossings.cumsum(axis=1)[:, :width] % 2 == 1


def runs_of(text: str) -> list[int]:
    """The counts in COCO's compressed string.

    A number is written in characters of 6 bits, from "0" on: 5 bits of it, the lowest first, and
    one that says whether more follow. The last character's highest bit of these 5 is the sign.
    From the fourth on, a number is the difference from the count two before.

    Raises:
        ValueError: a character is none of these, or the last number has no end.
    """
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - ord("0")
        if not 0 <= bits < 64:
            raise ValueError(f"expected characters from '0' to 'o', received {character!r}")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number = shift = 0
    if shift:
        raise ValueError("expected the end of a number, received none")
    return counts


def numbers_in(path: Path) -> np.ndarray:
    """The numbers of a picture's pixels, uint8 `[H, W]`. Of colours in a palette, their numbers.

    Raises:
        ValueError: the file cannot be read, or is not of one channel of 8 bits or less.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
            mode, numbers = picture.mode, np.asarray(picture)
    except Exception as error:  # Pillow raises many kinds
        raise ValueError(f"{path}: expected a mask, received a file that cannot be read as one ({reason(error)}).") from error
    if mode not in ("1", "L", "P"):
        raise ValueError(f"{path}: expected one channel of 8 bits, the number of a class or object, received mode {mode}.")
    return numbers.astype("uint8")


def values_in(path: Path, size: tuple[int, int], allowed: int, what: str) -> list[int]:
    """The numbers in a mask, rising.

    Args:
        path: of the mask.
        size: width and height of its picture, which it must have.
        allowed: the greatest number. 255 is allowed too.
        what: the numbers are, for the message.
    """
    numbers = numbers_in(path)
    if numbers.shape != size[::-1]:
        received = " x ".join(map(str, numbers.shape[::-1]))
        raise ValueError(f"{path}: expected {size[0]} x {size[1]} pixels as its picture has, received {received}.")
    values = np.unique(numbers).tolist()
    for value in values:
        if allowed < value < VOID:
            raise ValueError(f"{path}: expected {what} from 0 to {allowed}, or 255 for void, received {value}.")
    return values


def reason(error: BaseException) -> str:
    """The first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def polygons(parts: Iterable[Iterable[float]]) -> Polygons:
    """Polygons from flat lists x1, y1, x2, y2 ...

    Raises:
        ValueError: a list is not of three finite points or more.
    """
    points = []
    for part in parts:
        flat = np.asarray(list(part), float)
        if flat.ndim != 1 or len(flat) < 6 or len(flat) % 2 or not np.isfinite(flat).all():
            raise ValueError(f"expected polygons of 3 or more finite points x, y, received one of {flat.size} numbers")
        points.append(flat.reshape(-1, 2))
    return Polygons(tuple(points))
