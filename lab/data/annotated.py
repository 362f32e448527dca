"""Folders of pictures that people have annotated, in the formats of other tools."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lab import validation
from lab.data import class_masks, coco, voc, yolo
from lab.data.annotations import Annotated, Faults
from lab.data.folders import files_below
from lab.data.images import FORMATS
from lab.validation import Interval

READERS: dict[str, Callable[[Path, Faults], Annotated]] = {
    "coco": coco.read,
    "voc": voc.read,
    "masks": class_masks.read,
    "yolo": yolo.read,
}


def annotated(folder: str | Path, *, format: str | None = None, unreadable: str = "refuse") -> Annotated:
    """The pictures of a folder with their boxes, classes and masks.

    The formats, and the file that says what each may hold:

        "coco"    JSON with images, annotations, categories           lab/data/coco.py
        "yolo"    images/ and labels/ of text files                   lab/data/yolo.py
        "voc"     JPEGImages/ and Annotations/ of XML files           lab/data/voc.py
        "masks"   images/ and masks/ of PNG files, for segmentation   lab/data/class_masks.py

    Boxes are left, top, right, bottom in pixels. Those that reach a little beyond their picture
    are clipped. A picture without an annotation has no objects. Every picture is decoded once, so
    that training meets no damaged file.

    Pictures are turned the right way up, as their EXIF tag says, and boxes are of this picture.
    COCO, VOC and masks say a size. A picture that has this size only as it is stored is not
    turned: its boxes are of the stored picture.

    Args:
        folder: where the pictures and annotations are.
        format: one of the above. None recognises it by the files that are there.
        unreadable: "refuse" raises at a picture that is missing or cannot be decoded, and at a box
            without an area. "skip" leaves them out, warns once, and lists them in `skipped`.

    Raises:
        ValueError: something is not as the format has it. The message names the file, and the
            line or the id in it.
    """
    folder, faults = Path(folder), Faults(unreadable)
    files = files_below(folder, "annotated pictures", lambda name: True, unreadable=unreadable)
    if format is not None:
        validation.require_name("format", format, READERS)
    found = READERS[format or _recognised(folder, [path.relative_to(folder) for path in files])](folder, faults)
    if not found.pictures:
        received = f"{len(found.skipped)} faults, the first: {found.skipped[0]}" if found.skipped else "none."
        raise ValueError(f"{folder}: expected annotated pictures ({', '.join(FORMATS)}), received {received}")
    if found.skipped:
        warnings.warn(f"{folder}: {len(found.skipped)} skipped, the first: {found.skipped[0]}", stacklevel=2)
    return found


def split(annotated: Annotated, share: float = 0.2, seed: int = 0) -> tuple[Annotated, Annotated]:
    """(training, validation).

    A folder with a part "train" and a part "val" keeps these, and pictures of no part are in
    neither. Otherwise a share of the pictures,
    drawn at random and at least one, is for validation. Pictures of a part "test" are in neither:
    `of_part` gives them.

    Args:
        annotated: of `lab.data.annotated`, with at least two pictures.
        share: of the pictures, for validation, between 0 and 1. Without effect on parts.
        seed: of the draw.
    """
    Interval(over=0, below=1).check("share", share)
    parts = np.array([picture.part for picture in annotated.pictures])
    if {"train", "val"} <= set(parts.tolist()):
        chosen = [np.flatnonzero(parts == part) for part in ("train", "val")]
    else:
        drawn = np.random.default_rng(seed).permutation(np.flatnonzero(parts != "test"))
        if len(drawn) < 2:
            raise ValueError(f"annotated: expected at least 2 pictures that are not for tests, received {len(drawn)}.")
        count = min(max(round(share * len(drawn)), 1), len(drawn) - 1)
        chosen = [np.sort(drawn[count:]), np.sort(drawn[:count])]
    training, validating = (annotated.of_pictures(annotated.pictures[index] for index in indices) for indices in chosen)
    return training, validating


def _recognised(folder, files):
    """The format of a folder, from the paths of its files, relative to it."""
    folders = {part for path in files for part in path.parts[:-1]}
    held, wrong = [], None
    for path in coco.files(folder):
        try:
            held.append(coco.content(path))
        except ValueError as error:
            wrong = wrong or error
    pictures = {path.with_suffix("") for path in files if path.suffix.lower() in FORMATS}
    texts = {path.with_suffix("") for path in files if path.suffix == ".txt"}
    signs = {
        "coco": any(map(coco.is_coco, held)),
        "voc": {"Annotations", "JPEGImages"} <= folders,
        "masks": {"images", "masks"} <= folders,
        "yolo": {"images", "labels"} <= folders or bool(pictures & texts),
    }
    found = [name for name, sign in signs.items() if sign]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{folder}: expected one format, received {' and '.join(found)}; format={found[0]!r} chooses one.")
    if wrong:
        raise wrong
    received = f"{coco.files(folder)[0]}, which has not these lists" if held else "none of them"
    raise ValueError(
        f"{folder}: expected a JSON file with images, annotations and categories (COCO), images and labels (YOLO), "
        f"JPEGImages and Annotations (VOC) or images and masks, received {received}."
    )
