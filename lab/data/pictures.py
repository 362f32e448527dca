"""A picture file as an array of 8 bits a channel, whatever the file has."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

BITS = 258  # a tag of a TIFF: bits of a channel
PHOTOMETRIC = 262  # another one: what numbers mean
WHITE_IS_ZERO = 0  # a value of `PHOTOMETRIC`
ORIENTATION = 274  # a tag of EXIF: how a picture is to be turned
QUARTER = 5  # from this value on by a quarter or three


def decoded(path: Path, size: int, channels: int) -> np.ndarray:
    """The middle square of a picture, uint8 `[size, size, channels]`.

    The picture is turned the right way up. It is white where it is transparent. Pixels of 12 and
    16 bits keep their highest 8. Floating-point pixels are shares, from 0 to 1. Pixels of another
    range are refused, for nobody can say what is white.

    Raises:
        Exception: of many kinds, whatever Pillow raises at a damaged file.
    """
    from PIL import ImageOps

    fitted = ImageOps.fit(whole(path).convert("L" if channels == 1 else "RGB"), (size, size))
    return np.asarray(fitted, np.uint8).reshape(size, size, channels)


def whole(path: Path, *, upright: bool = True) -> Any:
    """A whole picture, opaque and of 8 bits a channel, as a `PIL.Image.Image`.

    Args:
        path: of the file.
        upright: whether it is turned the right way up, or stays as the file stores it.

    Raises:
        Exception: as `decoded`.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as picture:
        picture.load()
        tags = dict(getattr(picture, "tag_v2", {}))  # of a TIFF
        format, turned = picture.format, ImageOps.exif_transpose(picture) if upright else picture.copy()
    return _opaque(turned, format, tags)


def upright_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture file after it is turned the right way up."""
    from PIL import Image

    with Image.open(path) as picture:
        turned = picture.getexif().get(ORIENTATION, 1) >= QUARTER
        return (picture.height, picture.width) if turned else picture.size


def pixels(path: str | PathLike, channels: int = 3) -> np.ndarray:
    """The pixels of a whole picture file, uint8 `[H, W, channels]`.

    Args:
        path: of the file.
        channels: 1 is grey, 3 red, green and blue.

    Raises:
        ValueError: the file is not a picture. The message names it.
    """
    try:
        array = np.array(whole(Path(path)).convert("L" if channels == 1 else "RGB"))
    except Exception as error:  # Pillow has many, such as that of pictures that are too large
        raise ValueError(f"{path}: expected a picture, received a file that cannot be decoded: {error}") from error
    return array.reshape(*array.shape[:2], channels)


def _opaque(picture, format, tags):
    """The picture in 8 bits, on white where it is transparent.

    Pillow's `convert` alone would clip wider pixels and show colours that nobody sees.
    """
    from PIL import Image

    if picture.mode == "F" or picture.mode.startswith("I"):
        grey = _grey(np.asarray(picture), picture.mode, format, tags.get(BITS, 16))
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            grey = 255 - grey
        if "transparency" in picture.info:
            grey = np.where(np.asarray(picture) == picture.info["transparency"], 255, grey)
        return Image.fromarray(grey.astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB") if picture.mode == "LAB" else picture  # Pillow converts it to nothing else
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)


def _grey(values, mode, format, bits):
    """Pixels of one wide channel, from 0 to 255."""
    if mode == "F":
        if not 0 <= values.min() <= values.max() <= 1:
            raise ValueError(f"expected floating-point pixels from 0 to 1, received {values.min():g} to {values.max():g}")
        return np.round(255 * values)
    if mode == "I" and format != "PNG":  # in a PNG, older versions of Pillow mean 16 bits by it
        raise ValueError(
            f"expected pixels of 8 or 16 bits, received integers of another range, {values.min()} to {values.max()}"
        )
    return values.astype(np.int64) >> ((bits[0] if isinstance(bits, tuple) else bits) - 8)
