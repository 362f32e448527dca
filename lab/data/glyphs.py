"""Images of characters that need no download.

Characters are drawn with the fonts that matplotlib ships, distorted and, if wanted, coloured.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lab import validation
from lab.data.drawn import kept, versions

DIGITS = "0123456789"
UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
FACES = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    "cmr10",
    "cmb10",
    "cmss10",
    "cmtt10",
)
FINE = 96  # pixels on a side of the drawing that is distorted
VERSION = 2  # of the images; it changes when they do


def glyphs(
    count: int,
    *,
    size: int = 28,
    characters: str | Sequence[str] = DIGITS,
    faces: Sequence[str] = FACES,
    rotation: float = 12.0,
    shear: float = 0.15,
    zoom: float = 0.12,
    shift: float = 0.06,
    elastic: float = 0.02,
    coloured: bool = False,
    seed: int = 0,
    cache: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """`count` images of characters in random faces, and which character each is.

    Each character is drawn large, moved by an affine map and by an elastic one (Simard et al.
    2003: smoothed random displacements), and sampled at `size` x `size` pixels. Classes are
    uniform. So are faces, over those that have the character.

    Args:
        count: number of images.
        size: pixels on a side.
        characters: the classes, in their order.
        faces: names of matplotlib's fonts, see `FACES`. A test on faces that were held out of
            training shows whether a network knows the characters or only the faces.
        rotation: greatest angle to either side, degrees.
        shear: greatest slant, as dx/dy.
        zoom: greatest change of scale in either direction and in each axis, as a share.
        shift: greatest shift in each axis, as a share of the image.
        elastic: standard deviation of the displacements, as a share of the image.
        coloured: True gives three channels, with paper and ink of random colours that can be
            told apart. False gives one channel, white on black.
        seed: of everything.
        cache: whether images are kept in `$LAB_HOME/mlruns/cache`, and read from there.

    Returns:
        (images uint8 `[count, size, size, 1 or 3]`, labels int32 `[count]`).
    """
    count = validation.integer("count", count)
    size = validation.integer("size", size, 8)
    seed = validation.integer("seed", seed, 0)
    for name, value in {"rotation": rotation, "shear": shear, "zoom": zoom, "shift": shift, "elastic": elastic}.items():
        validation.NOT_NEGATIVE.check(name, value)
    if len(set(characters)) != len(characters) or not characters:
        raise ValueError(f"characters: expected different characters, at least one, received {characters!r}.")
    supported = faces_with(characters, faces)
    settings = {
        "version": VERSION,
        "drawn_by": versions(),
        "count": count,
        "size": size,
        "characters": characters,
        "faces": list(faces),
        "rotation": rotation,
        "shear": shear,
        "zoom": zoom,
        "shift": shift,
        "elastic": elastic,
        "coloured": coloured,
        "seed": seed,
    }

    def make():
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, len(characters), count).astype(np.int32)
        drawn = [draw(characters[label], supported[label][rng.integers(len(supported[label]))], size) for label in labels]
        ink = np.stack([distort(image, size, rng, rotation, shear, zoom, shift, elastic) for image in drawn])
        return {"images": _colour(ink, rng) if coloured else np.round(255 * ink[..., None]).astype(np.uint8), "labels": labels}

    found = kept("glyphs", settings, make, cache=cache)
    return found["images"], found["labels"]


def faces_with(characters: str | Sequence[str], faces: Sequence[str] = FACES) -> list[list[str]]:
    """For each character the faces that have it. A ValueError names one that no face has."""
    supported = [[face for face in faces if character in charmap(face)] for character in characters]
    for character, found in zip(characters, supported, strict=True):
        if not found:
            raise ValueError(f"characters: expected ones that some of the {len(faces)} faces have, received {character!r}.")
    return supported


def _font_path(face):
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    if not path.exists():
        raise ValueError(f"faces: expected names of matplotlib's fonts, such as {FACES[0]}, received {face!r}.")
    return path


@functools.cache
def charmap(face: str) -> set[str]:
    """The characters that a face has.

    Computer Modern has letters and digits alone. Its other codes are TeX's: it draws ¡ for <.
    """
    found = {chr(code) for code in _font(face).get_charmap()}
    return found & set(DIGITS + UPPER + LOWER) if face.startswith("cm") else found


def outline(character: str, face: str) -> bytes:
    """The outline of a character. Equal ones look the same, such as A in three scripts."""
    font = _font(face)
    font.load_char(ord(character))
    return b"".join(part.tobytes() for part in font.get_path())


@functools.cache
def _font(face):
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(_font_path(face)))


@functools.cache
def draw(character: str, face: str, size: int) -> np.ndarray:
    """A character in the middle of a square of FINE pixels, as shares of ink.

    Its longer side is 0.64 of the square. It is blurred as far as `size` pixels demand: details
    finer than a pixel would alias.
    """
    from PIL import Image, ImageDraw, ImageFont
    from scipy import ndimage

    font = ImageFont.truetype(str(_font_path(face)), FINE)
    left, top, right, bottom = font.getbbox(character)
    width, height = max(int(right - left), 1), max(int(bottom - top), 1)
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=font)
    factor = 0.64 * FINE / max(width, height, 0.7 * FINE)
    image = image.resize((max(round(width * factor), 1), max(round(height * factor), 1)), Image.Resampling.LANCZOS)
    square = Image.new("L", (FINE, FINE))
    square.paste(image, ((FINE - image.width) // 2, (FINE - image.height) // 2))
    return ndimage.gaussian_filter(np.asarray(square, np.float32) / 255, 0.4 * FINE / size)


def distort(
    image: np.ndarray,
    size: int,
    rng: np.random.Generator,
    rotation: float,
    shear: float,
    zoom: float,
    shift: float,
    elastic: float,
) -> np.ndarray:
    """The drawing after a random affine and elastic map, `[size, size]`; see `glyphs`."""
    from scipy import ndimage

    angle, slant = np.deg2rad(rng.uniform(-rotation, rotation)), rng.uniform(-shear, shear)
    scale_y, scale_x = np.exp(rng.uniform(-np.log1p(zoom), np.log1p(zoom), 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, 0.0], [slant, 1.0]]) @ np.diag([1 / scale_y, 1 / scale_x])
    line = (np.arange(size) + 0.5) / size - 0.5
    places = np.stack(np.meshgrid(line, line, indexing="ij"))  # of the pixels, from the centre, as shares of the image
    moved = np.tensordot(matrix, places, 1) + rng.uniform(-shift, shift, (2, 1, 1))
    if elastic:
        smooth = ndimage.gaussian_filter(rng.normal(size=(2, size, size)), (0, size / 7, size / 7), mode="wrap")
        moved += elastic * smooth / smooth.std()
    return np.clip(ndimage.map_coordinates(image, (moved + 0.5) * FINE - 0.5, order=1), 0, 1)


def _colour(ink, rng):
    """Ink `[N, H, W]` in one random colour on another, uint8 `[N, H, W, 3]`.

    The two colours differ by at least half of the longest distance, that from black to white.
    """
    pairs = rng.uniform(size=(len(ink), 2, 3))
    while True:
        close = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=-1) < 0.5 * np.sqrt(3)
        if not close.any():
            break
        pairs[close] = rng.uniform(size=(close.sum(), 2, 3))
    paper, pen = pairs[:, 0, None, None], pairs[:, 1, None, None]
    return np.round(255 * (paper + ink[..., None] * (pen - paper))).astype(np.uint8)
