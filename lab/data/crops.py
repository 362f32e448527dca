"""Random parts of pictures, to train networks on that style pictures or describe them."""

from collections.abc import Sequence

import numpy as np

from lab import validation
from lab.data.pictures_by_name import picture_by_name, scaled


def picture_crops(
    names: Sequence[str],
    count: int,
    size: int,
    *,
    sides: tuple[float, float] = (0.4, 1.0),
    columns: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """`count` random squares of pictures, half of them mirrored, and of which picture each is.

    A square is scaled to `size`.

    Args:
        names: of pictures, as of `picture_by_name`; each as often as the others. A texture is the
            same for every seed, with its place in the list as its own.
        count: number of squares.
        size: pixels on a side.
        sides: least and greatest side of a square, as shares of the picture's shorter side. It
            never exceeds the part that is used.
        columns: the part of each picture that is used, as shares of its width. A test on other
            columns shows whether a network knows more than what it has seen.
        seed: of the choice.

    Returns:
        (squares uint8 `[count, size, size, 3]`, places in `names`, int32 `[count]`).
    """
    if not names:
        raise ValueError("names: expected at least one picture, received none.")
    (first, last), (least, greatest) = columns, sides
    if not 0 <= first < last <= 1:
        raise ValueError(f"columns: expected (first, last) with 0 <= first < last <= 1, received {columns}.")
    if not 0 < least <= greatest <= 1:
        raise ValueError(f"sides: expected (least, greatest) with 0 < least <= greatest <= 1, received {sides}.")
    rng = np.random.default_rng(seed)
    pictures: list[tuple[np.ndarray, list[int]]] = []
    for number, name in enumerate(names):
        whole = picture_by_name(name, seed=number)
        part = whole[:, int(first * whole.shape[1]) : max(int(last * whole.shape[1]), 1)]
        limits = [min(max(round(share * min(whole.shape[:2])), 1), *part.shape[:2]) for share in sides]
        pictures.append((part, limits))
    labels = rng.integers(0, len(pictures), validation.integer("count", count)).astype("int32")
    size = validation.integer("size", size)
    crops = []
    for part, limits in (pictures[label] for label in labels):
        crops.append(_crop(part, limits, size, rng))
    return np.stack(crops), labels


def _crop(picture, limits, size, rng):
    side = int(rng.integers(limits[0], limits[1] + 1))
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    part = picture[top : top + side, left : left + side][:, :: rng.choice([-1, 1])]
    return scaled(np.ascontiguousarray(part), size)
