"""Pictures with their objects, as the readers of annotated folders give them, and their checks."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lab import validation
from lab.data.folders import files_below
from lab.data.images import FORMATS
from lab.data.letterboxes import Letterbox
from lab.data.masks import Regions, Shape, reason
from lab.data.pictures import whole
from lab.metrics.average_precision import Objects

BEYOND = 0.05  # the share of a picture's side by which a box may reach beyond it; it is clipped
WORDS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test",)}  # {part: its names}
PARTS = {word: part for part, words in WORDS.items() for word in words}


class Picture(NamedTuple):
    """A picture and its objects. Masks are drawn when they are asked for."""

    path: Path
    size: tuple[int, int]  # width, height in pixels
    boxes: np.ndarray  # float64 [N, 4]: left, top, right, bottom in pixels
    labels: np.ndarray  # int32 [N], the class
    crowd: np.ndarray  # bool [N]: COCO's iscrowd, Pascal VOC's difficult
    shapes: tuple[Shape | None, ...]  # [N], None for an object without a mask
    regions: Regions | None = None  # the file with the class of each pixel
    upright: bool = True  # whether the picture is turned as its EXIF tag says
    part: str = ""  # "train", "val", "test", or "" where the folder has no parts

    def image(self) -> np.ndarray:
        """The picture, uint8 `[H, W, 3]`."""
        return np.array(whole(self.path, upright=self.upright).convert("RGB"))

    def objects(self) -> Objects:
        """The objects in the picture's own pixels. Without all masks, `masks` is None."""
        masks = None
        if all(self.shapes):
            drawn = [shape.mask(Letterbox.whole(self.size)) for shape in self.shapes if shape]
            masks = np.array(drawn, bool).reshape(-1, *self.size[::-1])
        return Objects(self.boxes, self.labels, masks, self.crowd)


class Annotated(NamedTuple):
    """An annotated folder."""

    classes: tuple[str, ...]  # names
    pictures: tuple[Picture, ...]
    has_masks: bool  # whether any picture has masks, of objects or of classes
    skipped: tuple[str, ...]  # a line for each picture and box that was left out

    @property
    def paths(self) -> list[Path]:
        """The paths of the pictures."""
        return [picture.path for picture in self.pictures]

    def of_part(self, name: str) -> "Annotated":
        """The pictures of a part, "train", "val" or "test", in their order; possibly none."""
        validation.require_name("name", name, WORDS)
        return self.of_pictures(picture for picture in self.pictures if picture.part == name)

    def of_pictures(self, pictures: Iterable[Picture]) -> "Annotated":
        """Some of the pictures."""
        some = tuple(pictures)
        return self._replace(pictures=some, has_masks=any(picture.regions or any(picture.shapes) for picture in some))


class Thing(NamedTuple):
    """An object as a reader finds it."""

    box: Sequence[float]  # left, top, right, bottom in pixels
    label: int
    crowd: bool
    shape: Shape | None
    place: str  # where it is written, the beginning of a message


class Faults:
    """What is wrong with pictures, and boxes without an area: refused, or gathered and skipped."""

    def __init__(self, unreadable: str) -> None:
        validation.require_name("unreadable", unreadable, ("refuse", "skip"))
        self.unreadable = unreadable
        self.lines: list[str] = []

    def add(self, line: str, error: Exception | None = None) -> None:
        """Keeps the line, or raises a ValueError with it."""
        if self.unreadable == "refuse":
            raise ValueError(line) from error
        self.lines.append(line)


def pictures_below(folder: Path, faults: Faults, *without: str) -> list[Path]:
    """The pictures below a folder, apart from folders of these names."""
    return files_below(
        folder,
        "annotated pictures",
        lambda name: name.lower().endswith(FORMATS),
        without=without,
        unreadable=faults.unreadable,
    )


def opened(path: Path, faults: Faults, stated: tuple[int, int] | None = None, place: str = "") -> Picture | None:
    """A picture without objects. None where it is left out, for it cannot be decoded.

    Args:
        path: of the picture.
        faults: takes a picture that cannot be decoded.
        stated: its width and height as the annotation says them. Where the picture has them only
            as it is stored, before it is turned the right way up, it is not turned.
        place: where they are stated, for the message.
    """
    try:
        size = whole(path).size
        stored = whole(path, upright=False).size if stated not in (None, size) else size
    except Exception as error:  # Pillow raises many kinds
        faults.add(f"{path}: expected a picture, received a file that cannot be read as one ({reason(error)}).", error)
        return None
    if stated not in (None, size, stored):
        raise ValueError(f"{place}: expected the size of {path}, {size[0]} x {size[1]}, received {_times(stated)}.")
    none = np.zeros((0, 4)), np.zeros(0, "int32"), np.zeros(0, bool), ()
    return Picture(path, stated or size, *none, upright=stated in (None, size))


def with_things(picture: Picture, things: Iterable[Thing], faults: Faults) -> Picture:
    """The picture with its objects, whose boxes are checked and clipped to it."""
    kept = [(thing, clipped(thing.box, picture.size, thing.place, faults)) for thing in things]
    kept = [(thing, box) for thing, box in kept if box is not None]
    return picture._replace(
        boxes=np.array([box for _, box in kept], float).reshape(-1, 4),
        labels=np.array([thing.label for thing, _ in kept], "int32"),
        crowd=np.array([thing.crowd for thing, _ in kept], bool),
        shapes=tuple(thing.shape for thing, _ in kept),
    )


def clipped(box: Sequence[float], size: tuple[int, int], place: str, faults: Faults) -> list[float] | None:
    """A box (left, top, right, bottom) inside a picture. None where it has no area.

    It may reach beyond the picture by 2 pixels, or by 5 % of the picture's side if that is more.

    Raises:
        ValueError: it is not finite, has a negative size, or reaches further.
    """
    if not all(map(math.isfinite, box)):
        raise ValueError(f"{place}: expected a box of finite numbers, received {_shown(box)}.")
    if box[2] < box[0] or box[3] < box[1]:
        raise ValueError(f"{place}: expected a box with left <= right and top <= bottom, received {_shown(box)}.")
    sides = (*size, *size)
    for end, side in zip(box, sides):
        margin = max(2, BEYOND * side)
        if not -margin <= end <= side + margin:
            raise ValueError(f"{place}: expected a box in a picture of {_times(size)} pixels, received {_shown(box)}.")
    inside = [min(max(end, 0), side) for end, side in zip(box, sides)]
    if inside[2] == inside[0] or inside[3] == inside[1]:
        faults.add(f"{place}: expected a box with an area in the picture, received {_shown(box)}.")
        return None
    return inside


def part_of(names: Iterable[str]) -> str:
    """The part of a data set that names of folders or files tell: "train", "val", "test" or ""."""
    words = (word for name in names for word in re.split(r"[^a-z]+", name.lower()))
    return next((PARTS[word] for word in words if word in PARTS), "")


def lines_of(path: Path) -> list[str]:
    """The lines of a text in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a text in UTF-8, received a file that is none ({reason(error)}).") from error


def names_in(path: Path) -> tuple[str, ...]:
    """The names in a text, one a line. Empty lines are left out."""
    names = tuple(line.strip() for line in lines_of(path) if line.strip())
    if not names:
        raise ValueError(f"{path}: expected names of classes, one a line, received none.")
    return names


def pairs(folder: Path, other: str, ending: str, faults: Faults) -> list[tuple[Path, Path, str]]:
    """(picture, annotation, part) for pictures in `images` and annotations in a folder beside it.

    In the annotation's path, `other` stands for the last "images". Without "images" in its path, a
    picture has its annotation in its own folder. An annotation without a picture is a fault.
    """
    found, expected = [], set()
    annotations = files_below(folder, other, lambda name: name.lower().endswith(ending), without=("classes.txt",))
    known = {path.with_suffix(ending): path for path in annotations}  # ".PNG" is ".png"
    for path in pictures_below(folder, faults, other):
        parts = list(path.relative_to(folder).parts)
        if "images" in parts:
            parts[len(parts) - 1 - parts[::-1].index("images")] = other
        annotation = folder.joinpath(*parts).with_suffix(ending)
        annotation = known.get(annotation, annotation)
        expected.add(annotation)
        found.append((path, annotation, part_of(parts[:-1])))
    for path in known.values():
        if path not in expected and other in path.relative_to(folder).parts:
            faults.add(f"{path}: expected a picture of this name in images, received none.")
    return found


def _times(size: Any) -> str:
    return " x ".join(map(str, size))


def _shown(box: Sequence[float]) -> str:
    return str([float(f"{number:.6g}") for number in box])
