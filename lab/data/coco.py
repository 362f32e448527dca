"""Folders with annotations as COCO's JSON.

    {"images": [{"id", "file_name", "width", "height"}],
     "categories": [{"id", "name"}],
     "annotations": [{"image_id", "category_id", "bbox": [x, y, width, height], "iscrowd",
                      "segmentation": polygons or runs}]}

Boxes and polygons are in pixels from the picture's left upper corner. Ids are any integers. Classes
are the categories in the order of their ids. `width`, `height`, `iscrowd` and `segmentation` may
be missing.

Source: cocodataset.org, "Data format".
"""

import json
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lab.data.annotations import Annotated, Faults, Picture, Thing, opened, part_of, pictures_below, with_things
from lab.data.masks import Polygons, Runs, polygons, reason, runs_of

KEYS = ("images", "annotations", "categories")


def files(folder: Path) -> list[Path]:
    """The JSON files in a folder and in its subfolders, such as `annotations` and `train`."""
    found = [*folder.glob("*.json"), *folder.glob("*/*.json")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def content(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON, received a file that is none ({reason(error)}).") from error


def is_coco(held: Any) -> bool:
    """Whether the content of a JSON file has COCO's three lists."""
    return isinstance(held, dict) and all(isinstance(held.get(key), list) for key in KEYS)


def read(folder: Path, faults: Faults) -> Annotated:
    """Reads every COCO file of a folder: other JSON, such as captions, is left out.

    "train", "val", "valid" and "test" in the name of a JSON file or its folder name the part.
    """
    held = {path: content(path) for path in files(folder)}
    ours = {path: found for path, found in held.items() if is_coco(found)}
    if not ours:
        received = f"{next(iter(held))}, which has not all of them" if held else "no JSON file"
        raise ValueError(f"{folder}: expected a JSON file with the lists {', '.join(KEYS)}, received {received}.")
    named = defaultdict(list)
    for picture in pictures_below(folder, faults):
        named[picture.name].append(picture)
    categories: dict[int, str] = {}
    pictures: dict[Path, Picture] = {}
    for number, (path, found) in enumerate(ours.items()):
        theirs = _categories(path, found["categories"])
        if number and theirs != categories:
            raise ValueError(f"{path}: expected the categories of {next(iter(ours))}, received others.")
        categories = theirs
        for picture in _pictures(path, found, {each: at for at, each in enumerate(categories)}, folder, named, faults):
            if picture.path in pictures:
                raise ValueError(f"{path}: expected each picture once in all JSON files, received {picture.path} twice.")
            pictures[picture.path] = picture
    has_masks = any(shape for picture in pictures.values() for shape in picture.shapes)
    return Annotated(tuple(categories.values()), tuple(pictures.values()), has_masks, tuple(faults.lines))


def _categories(path, entries):
    """{id: name} by rising id."""
    for at, entry in enumerate(entries):
        if not isinstance(entry, dict) or not _is_id(entry.get("id")) or not isinstance(entry.get("name"), str):
            raise ValueError(f"{path}, category {at + 1}: expected an integer id and a name, received {entry!r:.200}.")
    _refuse_twice(path, "categories", entries)
    return {entry["id"]: entry["name"] for entry in sorted(entries, key=lambda entry: entry["id"])}


def _pictures(path, found, labels, folder, named, faults):
    """Yields the pictures of one JSON file with their objects."""
    for at, entry in enumerate(found["images"]):
        if not isinstance(entry, dict) or not _is_id(entry.get("id")) or not isinstance(entry.get("file_name"), str):
            raise ValueError(f"{path}, image {at + 1}: expected an integer id and a file_name, received {entry!r:.200}.")
    _refuse_twice(path, "images", found["images"])
    ids = {entry["id"] for entry in found["images"]}
    of_image = defaultdict(list)
    for at, entry in enumerate(found["annotations"]):
        place = f"{path}, annotation {entry.get('id', f'number {at + 1}') if isinstance(entry, dict) else f'number {at + 1}'}"
        _check_annotation(place, entry, ids, labels)
        of_image[entry["image_id"]].append((place, entry))
    part = part_of([path.stem, *path.relative_to(folder).parts[:-1]])
    for entry in found["images"]:
        place = f"{path}, image id {entry['id']}"
        picture = _opened(place, entry, path, folder, named, part, faults)
        if picture is not None:
            things = [_thing(where, each, labels, picture.size) for where, each in of_image[entry["id"]]]
            yield with_things(picture, things, faults)._replace(part=part)


def _check_annotation(place, entry, ids, labels):
    """Raises unless an annotation has known ids and a box of four numbers."""
    if not isinstance(entry, dict):
        raise ValueError(f"{place}: expected an object, received {entry!r:.200}.")
    for key, known, what in (("image_id", ids, "images"), ("category_id", labels, "categories")):
        if not _is_id(entry.get(key)) or entry[key] not in known:
            raise ValueError(f"{place}: expected {key} of one of the {what}, received {entry.get(key)!r}.")
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise ValueError(f"{place}: expected bbox of four numbers x, y, width, height, received {box!r:.200}.")


def _opened(place, entry, path, folder, named, part, faults):
    """The picture of an entry of `images`."""
    sides = entry.get("width"), entry.get("height")
    stated = None if sides == (None, None) else sides
    if stated and not all(map(_is_id, stated)):
        raise ValueError(f"{place}: expected width and height as integers, received {sides[0]!r} and {sides[1]!r}.")
    wanted = PurePosixPath(entry["file_name"].replace("\\", "/"))

    def likeness(picture):
        """The number of equal names at both paths' ends, then nearness to the JSON file."""
        ends = zip(reversed(picture.parts), reversed(wanted.parts))
        equal = next((count for count, (one, other) in enumerate(ends) if one != other), len(wanted.parts))
        return equal, part_of(picture.relative_to(folder).parts[:-1]) == part, picture.parent == path.parent

    found = sorted(named.get(wanted.name, ()), key=likeness)
    if not found:
        faults.add(f"{place}: expected the picture {entry['file_name']} below {folder}, received none.")
        return None
    if len(found) > 1 and likeness(found[-1]) == likeness(found[-2]):
        raise ValueError(f"{place}: expected one picture {entry['file_name']}, received {found[-2]} and {found[-1]}.")
    return opened(found[-1], faults, stated, place)


def _thing(place, entry, labels, size):
    """The object of an annotation."""
    x, y, width, height = entry["bbox"]
    shape = _shape(place, entry.get("segmentation"), size)
    return Thing((x, y, x + width, y + height), labels[entry["category_id"]], bool(entry.get("iscrowd", 0)), shape, place)


def _shape(place: str, segmentation: Any, size: tuple[int, int]) -> Polygons | Runs | None:
    """The mask of an annotation. None where it has none."""
    if not segmentation:
        return None
    try:
        if isinstance(segmentation, dict):
            return _runs(segmentation.get("counts"), segmentation.get("size"), size)
        if not isinstance(segmentation, list) or not all(isinstance(part, list) for part in segmentation):
            raise ValueError("expected a list of polygons or runs")
        return polygons(segmentation)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: expected segmentation as polygons or runs, received another ({error}).") from error


def _runs(counts, written, size):
    """The `Runs` of a picture of this size."""
    if written != [size[1], size[0]]:
        raise ValueError(f"expected size {[size[1], size[0]]}, height and width of the picture, received {written!r:.200}")
    counts = runs_of(counts) if isinstance(counts, str) else counts
    if not isinstance(counts, list) or not all(map(_is_id, counts)) or any(count < 0 for count in counts):
        raise ValueError("expected counts that are not negative")
    if sum(counts) != size[0] * size[1]:
        raise ValueError(f"expected counts with the sum {size[0] * size[1]}, received {sum(counts)}")
    return Runs(np.array(counts, "int64"), size)


def _refuse_twice(path, what, entries):
    """Raises where an id is there twice."""
    (most, count), *_ = Counter(entry["id"] for entry in entries).most_common(1) or [(None, 0)]
    if count > 1:
        raise ValueError(f"{path}: expected {what} with different ids, received id {most} {count} times.")


def _is_id(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value):
    return isinstance(value, float) or (_is_id(value) and abs(value) < 2**53)  # no larger integer fits a float
