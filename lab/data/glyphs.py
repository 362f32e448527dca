"""Characters, rendered from the fonts that matplotlib ships, distorted and, if wanted, coloured: images that need no download."""

import contextlib
import functools
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lab import validation
from lab.runs.paths import home

DIGITS = "0123456789"
UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
FACES = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    "cmr10", "cmb10", "cmss10", "cmtt10",
)  # fmt: skip
FINE = 96  # pixels on a side of the drawing that is distorted
VERSION = 2  # of the images; changes with them


def glyphs(
    count, *, size=28, characters=DIGITS, faces=FACES, rotation=12.0, shear=0.15, zoom=0.12, shift=0.06, elastic=0.02, coloured=False,
    seed=0, cache=True,
):  # fmt: skip
    """`count` images of characters in random faces, and which character each is.

    Each is drawn large, moved by an affine map and an elastic one (Simard et al. 2003: random displacements, smoothed), and sampled
    at `size` x `size` pixels. Classes and faces are uniform, over the faces that have the character.

    Args:
        characters: the classes, in their order.
        faces: names of matplotlib's fonts, see `FACES`; those that are held out test whether a network knows characters or faces.
        rotation: greatest angle, degrees, to either side.
        shear: greatest slant, as dx/dy.
        zoom: greatest change of scale, as a share, in either direction and in each axis.
        shift: greatest shift in each axis, as a share of the image.
        elastic: deviation of the displacements, as a share of the image.
        coloured: three channels, paper and ink of random colours that can be told apart; else one, white on black.
        seed: of everything.
        cache: whether images are kept in `$LAB_HOME/mlruns/cache`, and found there.

    Returns:
        (images uint8 `[count, size, size, 1 or 3]`, labels int32 `[count]`).
    """
    count, size, seed = (
        validation.integer("count", count),
        validation.integer("size", size, 8),
        validation.integer("seed", seed, 0),
    )
    for name, value in {"rotation": rotation, "shear": shear, "zoom": zoom, "shift": shift, "elastic": elastic}.items():
        validation.NOT_NEGATIVE.check(name, value)
    if len(set(characters)) != len(characters) or not characters:
        raise ValueError(f"characters: expected different characters, at least one, received {characters!r}.")
    supported = faces_with(characters, faces)
    settings = {
        "version": VERSION, "drawn_by": [version(name) for name in ("matplotlib", "numpy", "pillow", "scipy")], "count": count, "size": size, "characters": characters, "faces": list(faces), "rotation": rotation,
        "shear": shear, "zoom": zoom, "shift": shift, "elastic": elastic, "coloured": coloured, "seed": seed,
    }  # fmt: skip
    path = home() / "mlruns" / "cache" / f"glyphs-{hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]}.npz"
    if cache and (kept := _kept(path)):
        return kept
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(characters), count).astype(np.int32)
    drawn = [_draw(characters[label], supported[label][rng.integers(len(supported[label]))], size) for label in labels]
    ink = np.stack([_distort(image, size, rng, rotation, shear, zoom, shift, elastic) for image in drawn])
    images = _colour(ink, rng) if coloured else np.round(255 * ink[..., None]).astype(np.uint8)
    if cache:
        _keep(path, images=images, labels=labels)
    return images, labels


def faces_with(characters, faces=FACES):
    """For each character the faces that have it; a ValueError names one that none has."""
    supported = [[face for face in faces if character in _charmap(face)] for character in characters]
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
def _charmap(face):
    """The characters that a face has. Computer Modern's other codes are TeX's: it draws ¡ for <."""
    from matplotlib.ft2font import FT2Font

    found = {chr(code) for code in FT2Font(str(_font_path(face))).get_charmap()}
    return found & set(DIGITS + UPPER + LOWER) if face.startswith("cm") else found


@functools.cache
def _draw(character, face, size):
    """A character in the middle of a square of FINE pixels, its longer side 0.64 of it, as shares of ink.

    It is blurred as far as `size` pixels demand: what is finer than one must not alias.
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


def _distort(image, size, rng, rotation, shear, zoom, shift, elastic):
    """The drawing after a random affine and elastic map, `[size, size]`."""
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
    """Ink `[N, H, W]` in one random colour on another, uint8 `[N, H, W, 3]`; the two differ by at least 0.5 of the longest way."""
    pairs = rng.uniform(size=(len(ink), 2, 3))
    while True:
        close = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=-1) < 0.5 * np.sqrt(3)
        if not close.any():
            break
        pairs[close] = rng.uniform(size=(close.sum(), 2, 3))
    paper, pen = pairs[:, 0, None, None], pairs[:, 1, None, None]
    return np.round(255 * (paper + ink[..., None] * (pen - paper))).astype(np.uint8)


def _kept(path):
    """(images, labels) that `_keep` wrote, or None where there are none, or damaged ones: they are drawn again."""
    try:
        with np.load(path) as kept:
            return kept["images"], kept["labels"]
    except Exception:  # NumPy, zipfile and zlib raise many kinds
        return None


def _keep(path, **arrays):
    """Writes an npz so that it is whole or not there; a disk that does not take it stops nobody."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
