"""Scenes of glyphs, shapes and drawings on textures, with boxes, classes and masks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from lab import validation
from lab.data import textures
from lab.data.drawn import kept, versions
from lab.data.figures import FIGURES, draw_figure
from lab.data.glyphs import DIGITS, FACES, distort, draw, faces_with
from lab.metrics.average_precision import Objects, box_overlaps
from lab.validation import require_name

VERSION = 3  # of the scenes; it changes when they do
NEW_FACES = ("DejaVuSerif-BoldItalic", "STIXGeneralItalic", "cmss10", "DejaVuSansMono-Oblique")
KNOWN_FACES = tuple(face for face in FACES if face not in NEW_FACES)
OVERLAP = 0.3  # the greatest IoU of two boxes
VISIBLE = 0.6  # the least share of an object that no other hides
CONTRAST = 0.4  # the least distance of an object's colour from what is behind it; black to white is 1.7
INK = 0.4  # from which share of its strongest ink on a pixel belongs to an object; thin strokes are pale
TRIES = 30  # to find a place for an object


class Scenes(NamedTuple):
    """Pictures with their objects, in the order from back to front."""

    images: np.ndarray  # uint8 [N, H, W, 3]; M is the greatest number of objects, at least 1
    instances: np.ndarray  # uint8 [N, H, W]: 0 background, i + 1 where object i is seen
    boxes: np.ndarray  # float32 [N, M, 4]: left, top, right, bottom of what is seen; 0 where there is no object
    labels: np.ndarray  # int32 [N, M]: the class; -1 where there is no object
    visible: np.ndarray  # float32 [N, M]: the share of an object that no other hides

    @property
    def semantic(self) -> np.ndarray:
        """The class of each pixel plus 1, 0 for background, uint8 `[N, H, W]`."""
        table = np.concatenate([np.zeros((len(self.labels), 1), int), self.labels + 1], axis=1)
        return table[np.arange(len(table))[:, None, None], self.instances].astype("uint8")

    def objects(self, index: int) -> Objects:
        """The objects of a picture, as `lab.metrics.average_precision` takes them."""
        count = int((self.labels[index] >= 0).sum())
        masks = self.instances[index] == np.arange(1, count + 1)[:, None, None]
        return Objects(self.boxes[index, :count], self.labels[index, :count], masks)


def scenes(
    count: int,
    *,
    size: int = 128,
    classes: str | Sequence[str] = DIGITS,
    objects: tuple[int, int] = (1, 8),
    sizes: tuple[float, float] = (0.12, 0.32),
    faces: Sequence[str] = KNOWN_FACES,
    backgrounds: Sequence[str] = textures.KNOWN_TEXTURES,
    seed: int = 0,
    cache: bool = True,
) -> Scenes:
    """Scenes of distorted objects of random colours, sizes and places.

    Objects stand in front of one another. Two boxes have at most IoU 0.3, and of each object at
    least 0.6 is seen. An object that finds no place after 30 tries is left out. Boxes and masks are
    of what is seen: of pixels with at least 0.4 of the object's strongest ink.

    Args:
        count: number of scenes.
        size: pixels on a side, >= 16.
        classes: characters, or names of `lab.data.figures.FIGURES`, such as "star" and "house".
        objects: the least and the greatest number of objects, drawn uniformly.
        sizes: the least and the greatest side of an object's square, as shares of the picture.
        faces: of characters. A test has others than training: `NEW_FACES` and `KNOWN_FACES`.
        backgrounds: kinds of `lab.data.texture`. A test has `NEW_TEXTURES` or photographs.
        seed: of all that is drawn.
        cache: as of `glyphs`.
    """
    count, size = validation.integer("count", count), validation.integer("size", size, 16)
    validation.integer_range("objects", objects, 0, 254)  # an instance's number is one byte
    low, high = objects
    if not 0 < sizes[0] <= sizes[1] <= 1:
        raise ValueError(f"sizes: expected (least, greatest) with 0 < least <= greatest <= 1, received {sizes}.")
    _check(classes, backgrounds)
    written = {name: faces_with([name], faces)[0] for name in classes if name not in FIGURES}
    settings = [VERSION, versions(), count, size, list(classes), objects, sizes, list(faces), list(backgrounds), seed]

    def make():
        rng = np.random.default_rng(seed)
        numbers = rng.integers(low, high + 1, count)
        made = [_scene(rng, size, classes, written, number, sizes, backgrounds) for number in numbers]
        return {
            name: np.stack(parts) for name, parts in zip(Scenes._fields, zip(*(_padded(each, max(high, 1)) for each in made)))
        }

    return Scenes(**kept("scenes", settings, make, cache=cache))


def _check(classes, backgrounds):
    if not classes or len(set(classes)) != len(classes):
        raise ValueError(f"classes: expected different ones, at least one, received {classes!r}.")
    for name in classes:
        if len(name) != 1:
            require_name("classes", name, FIGURES)
    if not backgrounds:
        raise ValueError("backgrounds: expected at least one, received none.")
    for name in backgrounds:
        require_name("backgrounds", name, textures.KINDS)
    textures.require_packages(backgrounds)


class _Scene(NamedTuple):
    image: np.ndarray  # float32 [H, W, 3]
    instances: np.ndarray  # uint8 [H, W]
    labels: list[int]
    whole: list[int]  # pixels of each object, hidden or not


def _scene(rng, size, classes, written, number, sizes, backgrounds):
    """A scene with at most so many objects."""
    background = textures.drawn(backgrounds[rng.integers(len(backgrounds))], size, rng)
    scene = _Scene(background, np.zeros((size, size), "uint8"), [], [])
    for label in rng.integers(0, len(classes), number):
        side = round(size * rng.uniform(*sizes))
        ink, shades = _object(classes[label], written, max(side, 4), rng)
        for _ in range(TRIES):
            added = _added(scene, ink, shades, int(label), rng)
            if added is not None:
                scene = added
                break
    return scene


def _object(name, written, side, rng):
    """An object's shares of ink and its shades, distorted in the same way, `[side, side]`."""
    if name in FIGURES:
        ink, shades = draw_figure(name, side)
    else:
        faces = written[name]
        ink = draw(name, faces[rng.integers(len(faces))], side)
        shades = np.ones_like(ink)
    seed = rng.integers(2**32)
    return [distort(each, side, np.random.default_rng(seed), 15.0, 0.15, 0.12, 0.0, 0.02) for each in (ink, shades)]


def _added(scene, ink, shades, label, rng):
    """The scene with an object at a random place; None where it does not fit there."""
    size, side = len(scene.image), len(ink)
    top, left = rng.integers(0, size - side + 1, 2)
    here = slice(top, top + side), slice(left, left + side)
    instances = scene.instances.copy()
    seen = ink > INK * ink.max()
    instances[here][seen] = len(scene.labels) + 1
    whole = [*scene.whole, int(seen.sum())]
    if not _fits(instances, whole):
        return None
    behind = scene.image[here][seen].mean(axis=0)
    colour = rng.uniform(0, 1, 3)
    while np.linalg.norm(colour - behind) < CONTRAST:
        colour = rng.uniform(0, 1, 3)
    image = scene.image.copy()
    image[here] += ink[..., None] * (shades[..., None] * colour.astype("float32") - image[here])
    return _Scene(image, instances, [*scene.labels, label], whole)


def _fits(instances, whole):
    """Whether enough of all objects is seen, and no two boxes overlap too much."""
    seen = np.bincount(instances.ravel(), minlength=len(whole) + 1)[1:]
    if (seen < VISIBLE * np.array(whole)).any():
        return False
    boxes = boxes_of(instances, len(whole))
    overlaps = box_overlaps(boxes[-1:], boxes[:-1])
    return not (overlaps > OVERLAP).any()


def boxes_of(instances: np.ndarray, count: int) -> np.ndarray:
    """The box around what is seen of each object, float32 `[count, 4]`; 0 where nothing is seen.

    Args:
        instances: integers `[H, W]`, i + 1 where object i is seen.
        count: number of objects.
    """
    found = ndimage.find_objects(instances, count) if count else []
    places = [(0, 0, 0, 0) if each is None else (each[1].start, each[0].start, each[1].stop, each[0].stop) for each in found]
    return np.array(places, "float32").reshape(-1, 4)


def _padded(scene, most):
    """The fields of `Scenes` of one scene, for so many objects."""
    count = len(scene.labels)
    boxes, labels, visible = np.zeros((most, 4), "float32"), np.full(most, -1, "int32"), np.zeros(most, "float32")
    boxes[:count] = boxes_of(scene.instances, count)
    labels[:count] = scene.labels
    seen = np.bincount(scene.instances.ravel(), minlength=count + 1)[1:]
    visible[:count] = seen / np.maximum(scene.whole, 1)
    return np.round(255 * scene.image).astype("uint8"), scene.instances, boxes, labels, visible
