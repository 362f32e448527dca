"""Random parts of pictures, to train networks on that style pictures or describe them."""

from collections.abc import Sequence

import numpy as np

from lab import validation
from lab.data.pictures_by_name import picture_by_name, scaled

SMALLEST = 0.4  # the least side of a part, as a share of the picture's shorter side


def picture_crops(
    names: Sequence[str], count: int, size: int, *, columns: tuple[float, float] = (0.0, 1.0), seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """`count` random squares of pictures, half of them mirrored, and of which picture each is.

    A square has 0.4 to 1 of the picture's shorter side and is scaled to `size`.

    Args:
        names: of pictures, as of `picture_by_name`; each as often as the others.
        count: number of squares.
        size: pixels on a side.
        columns: the part of each picture that is used, as shares of its width. A test on other
            columns shows whether a network knows more than what it has seen.
        seed: of the choice.

    Returns:
        (squares uint8 `[count, size, size, 3]`, places in `names`, int32 `[count]`).
    """
    if not names:
        raise ValueError("names: expected at least one picture, received none.")
    first, last = columns
    if not 0 <= first < last <= 1:
        raise ValueError(f"columns: expected (first, last) with 0 <= first < last <= 1, received {columns}.")
    rng = np.random.default_rng(seed)
    pictures = []
    for number, name in enumerate(names):
        whole = picture_by_name(name, seed=number)
        pictures.append(whole[:, int(first * whole.shape[1]) : max(int(last * whole.shape[1]), 1)])
    labels = rng.integers(0, len(pictures), validation.integer("count", count)).astype("int32")
    size = validation.integer("size", size)
    return np.stack([_crop(pictures[label], size, rng) for label in labels]), labels


def _crop(picture, size, rng):
    shorter = min(picture.shape[:2])
    side = int(rng.integers(max(round(SMALLEST * shorter), 1), shorter + 1))
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    part = picture[top : top + side, left : left + side][:, :: rng.choice([-1, 1])]
    return scaled(np.ascontiguousarray(part), size)
