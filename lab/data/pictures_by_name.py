"""Pictures by name or by path, for style and texture: what libraries ship, textures, files."""

from pathlib import Path

import numpy as np

from lab import validation
from lab.data.pictures import pixels
from lab.data.textures import KINDS, MORE_PHOTOGRAPHS, PHOTOGRAPHS, photograph, require_packages, texture

CREDITS = {  # of pictures that may be shown; those of scikit-image that are not named are CC0
    "china": "china.jpg of scikit-learn, by Denis Jarvis, CC BY 2.0",
    "flower": "flower.jpg of scikit-learn, by Yann Forget, CC BY 2.0",
    "hopper": "Grace Hopper, of matplotlib, public domain",
    "astronaut": "Eileen Collins, by NASA, of scikit-image, public domain",
    "chelsea": "Chelsea, by Stéfan van der Walt, of scikit-image, CC0",
    "coffee": "coffee cup, by Rachel Michetti, of scikit-image, CC0",
    "hubble_deep_field": "Hubble eXtreme Deep Field, by NASA, of scikit-image, public domain",
    "rocket": "launch of DSCOVR, by SpaceX, of scikit-image, public domain",
}


def picture_by_name(name: str, side: int | None = None, *, seed: int = 0) -> np.ndarray:
    """A picture, uint8 `[H, W, 3]`.

    Args:
        name: one of `lab.data.textures.KINDS`, a photograph or a kind of texture, or the path of a
            file.
        side: pixels of its shorter side; None: as it is, and 256 of a texture.
        seed: of a texture.
    """
    require_picture(name)
    if name in (*PHOTOGRAPHS, *MORE_PHOTOGRAPHS):
        whole = photograph(name)
    elif name in KINDS:
        return np.round(255 * texture(name, side or 256, seed=seed)).astype("uint8")
    else:
        whole = pixels(name)
    return whole if side is None else scaled(whole, side)


def require_picture(name: str) -> None:
    """Raises a ValueError unless a picture has that name or that path and can be read."""
    if name in KINDS:
        require_packages([name])
    elif not Path(name).is_file():
        raise ValueError(f"expected one of {', '.join(KINDS)} or a picture's path, received {name!r}")
    else:
        pixels(name)


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture whose shorter side has so many pixels, uint8 `[H, W, 3]`."""
    from PIL import Image

    height, width = picture.shape[:2]
    factor = validation.integer("side", side) / min(height, width)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def credit(name: str) -> str:
    """Whose picture it is, in a line."""
    if name in CREDITS:
        return CREDITS[name]
    if name in MORE_PHOTOGRAPHS:
        return f"{name}, of scikit-image, CC0 or public domain"
    return f"{name}, drawn here" if name in KINDS else f"{Path(name).name}, yours"
