"""Random parts of pictures, to train networks on that style pictures."""

from collections.abc import Sequence

import numpy as np

from lab import validation
from lab.data.pictures_by_name import picture_by_name, scaled

SMALLEST = 0.4  # the least side of a part, as a share of the picture's shorter side


def picture_crops(names: Sequence[str], count: int, size: int, *, seed: int = 0) -> np.ndarray:
    """`count` random squares of pictures, half of them mirrored, uint8 `[count, size, size, 3]`.

    A square has 0.4 to 1 of the picture's shorter side and is scaled to `size`.

    Args:
        names: of pictures, as of `picture_by_name`; each as often as the others.
        count: number of squares.
        size: pixels on a side.
        seed: of the choice.
    """
    if not names:
        raise ValueError("names: expected at least one picture, received none.")
    rng = np.random.default_rng(seed)
    pictures = [picture_by_name(name, seed=seed + number) for number, name in enumerate(names)]
    return np.stack([_crop(pictures[rng.integers(len(pictures))], validation.integer("size", size), rng) for _ in range(count)])


def _crop(picture, size, rng):
    shorter = min(picture.shape[:2])
    side = int(rng.integers(max(round(SMALLEST * shorter), 1), shorter + 1))
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    part = picture[top : top + side, left : left + side][:, :: rng.choice([-1, 1])]
    return scaled(np.ascontiguousarray(part), size)
