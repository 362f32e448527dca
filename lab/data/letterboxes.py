"""Pictures of any shape in squares, with grey bars, and their boxes there and back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lab import validation

GREY = 128  # of the bars


class Letterbox(NamedTuple):
    """Where a picture lies on a canvas.

        place on the canvas = scale * place in the picture + shift

    The scales of both axes are equal but for the rounding of the resized picture to whole pixels.
    """

    scale: tuple[float, float]  # of x and y
    shift: tuple[int, int]  # of x and y, pixels of the canvas
    picture: tuple[int, int]  # width and height of the picture
    canvas: tuple[int, int]  # width and height

    @classmethod
    def within(cls, picture: tuple[int, int], size: int) -> "Letterbox":
        """The largest place of a picture (width, height) in the middle of a square of `size`."""
        width, height = (validation.integer("picture", side) for side in picture)
        scale = validation.integer("size", size) / max(width, height)
        resized = [max(round(scale * side), 1) for side in (width, height)]
        shift = (size - resized[0]) // 2, (size - resized[1]) // 2
        return cls((resized[0] / width, resized[1] / height), shift, (width, height), (size, size))

    @classmethod
    def whole(cls, picture: tuple[int, int]) -> "Letterbox":
        """A picture (width, height) as it is: no scale, no shift, no bars."""
        return cls((1.0, 1.0), (0, 0), picture, picture)

    @property
    def inside(self) -> tuple[slice, slice]:
        """The rows and the columns of the canvas where the picture lies."""
        columns, rows = (
            slice(shift, shift + round(scale * side)) for scale, shift, side in zip(self.scale, self.shift, self.picture)
        )
        return rows, columns

    def boxes_there(self, boxes: ArrayLike) -> np.ndarray:
        """Boxes of the picture `[..., 4]` (left, top, right, bottom) on the canvas, float64."""
        return np.asarray(boxes, float) * (2 * self.scale) + 2 * self.shift

    def boxes_back(self, boxes: ArrayLike, *, clip: bool = True) -> np.ndarray:
        """Boxes on the canvas `[..., 4]` in pixels of the picture, float64.

        Args:
            boxes: left, top, right, bottom.
            clip: whether they end where the picture ends.
        """
        found = (np.asarray(boxes, float) - 2 * self.shift) / (2 * self.scale)
        return np.clip(found, 0, 2 * self.picture) if clip else found

    def picture_there(self, image: np.ndarray) -> np.ndarray:
        """A picture uint8 `[h, w, 3]` on the canvas, uint8 `[H, W, 3]`, with grey bars.

        Its pixels are interpolated bilinearly, over as many pixels as become one.
        """
        from PIL import Image

        self._check("image", image, (3,))
        rows, columns = self.inside
        canvas = np.full((self.canvas[1], self.canvas[0], 3), GREY, "uint8")
        size = columns.stop - columns.start, rows.stop - rows.start
        canvas[rows, columns] = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
        return canvas

    def classes_there(self, classes: np.ndarray, outside: int) -> np.ndarray:
        """A map `[h, w]` of classes or of a mask on the canvas `[H, W]`, each pixel the nearest's.

        The bars are `outside`.
        """
        self._check("classes", classes, ())
        rows, columns = self.inside
        canvas = np.full(self.canvas[::-1], outside, classes.dtype)
        y, x = (
            ((np.arange(part.stop - part.start) + 0.5) / scale).astype(int)
            for part, scale in zip((rows, columns), self.scale[::-1])
        )
        canvas[rows, columns] = classes[y[:, None], x]
        return canvas

    def classes_back(self, classes: np.ndarray) -> np.ndarray:
        """A map `[H, W]` of classes on the canvas, in the picture's own pixels."""
        rows, columns = self.inside
        y, x = (
            part.start + np.minimum(((np.arange(side) + 0.5) * scale).astype(int), part.stop - part.start - 1)
            for part, side, scale in zip((rows, columns), self.picture[::-1], self.scale[::-1])
        )
        return classes[y[:, None], x]

    def _check(self, name, array, channels):
        shape = (*self.picture[::-1], *channels)
        if array.shape != shape or array.dtype not in (np.uint8, bool):
            raise ValueError(f"{name}: expected uint8 of shape {shape}, received {array.dtype} of shape {array.shape}.")
