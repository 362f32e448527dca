"""Folders with annotations as YOLO's text files.

`images/a.jpg` has its objects in `labels/a.txt`, one a line, in shares of the picture's sides:

    class center_x center_y width height
    class x1 y1 x2 y2 x3 y3 ...

The second form is a polygon. Parts are folders: `images/train` with `labels/train`, or
`train/images` with `train/labels`. Pictures and texts may also lie side by side. `data.yaml` names
the classes under `names`, as a list or as a mapping from 0, or else `classes.txt` does, one a line.
`data.yaml` may also say under `train`, `val` and `test` where a part is: a folder, a text with the
path of a picture in each line, or several of them. What is not there is passed over, for such files
often keep the paths of the machine that wrote them.

Shares are of the picture as it is seen, the right way up.

Source: docs.ultralytics.com, "Object detection datasets" and "Instance segmentation datasets".
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from lab.data.annotations import Annotated, Faults, Thing, lines_of, names_in, opened, pairs, with_things
from lab.data.masks import Polygons, reason

FORMS = "class cx cy w h or class x1 y1 x2 y2 x3 y3 ..., in shares from 0 to 1"
MOST = 10_000  # classes without names
OUTSIDE = 0.05  # by which a share may lie beyond 0 and 1


def read(folder: Path, faults: Faults) -> Annotated:
    """Reads the pictures of a folder with their text files. Without one, it has no objects."""
    path, held = _yaml(folder)
    names = _names(folder) if path is None else _yaml_names(path, held)
    stated = _stated_parts(folder, held)
    pictures = []
    for path, text, part in pairs(folder, "labels", ".txt", faults):
        picture = opened(path, faults)
        if picture is None:
            continue
        lines = lines_of(text) if text.exists() else []
        things = [
            _thing(f"{text}, line {number}", line.split(), picture.size, names)
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        part = next((stated[each] for each in (path, *path.parents) if each in stated), part)
        pictures.append(with_things(picture, things, faults)._replace(part=part))
    if names is None:
        greatest = max((int(label) for picture in pictures for label in picture.labels), default=-1)
        names = tuple(f"class {label}" for label in range(greatest + 1))
    has_masks = any(shape for picture in pictures for shape in picture.shapes)
    return Annotated(names, tuple(pictures), has_masks, tuple(faults.lines))


def _names(folder):
    """The names of classes in a text. None where there is none."""
    for path in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if path.is_file():
            return names_in(path)
    return None


def _yaml_names(path: Path, held: Any) -> tuple[str, ...]:
    """The names of classes that data.yaml holds."""
    names = held.get("names") if isinstance(held, dict) else None
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        names = [names[label] for label in range(len(names))]
    if not isinstance(names, list) or not names:
        raise ValueError(f"{path}: expected names, a list or a mapping from 0, received {names!r:.200}.")
    return tuple(map(str, names))


def _yaml(folder: Path) -> tuple[Path | None, Any]:
    """(the path of data.yaml, what it holds); (None, None) where there is none."""
    import yaml

    for path in (folder / "data.yaml", folder / "data.yml"):
        if path.is_file():
            try:
                return path, yaml.safe_load("\n".join(lines_of(path)))
            except yaml.YAMLError as error:
                raise ValueError(f"{path}: expected YAML, received a file that is none ({reason(error)}).") from error
    return None, None


def _stated_parts(folder: Path, held: Any) -> dict[Path, str]:
    """{a folder or a picture: its part}, as data.yaml says it; of several the first one."""
    found: dict[Path, str] = {}
    for part in ("train", "val", "test") if isinstance(held, dict) else ():
        given = held.get(part)
        for word in given if isinstance(given, list) else [given]:
            place = _there(folder, str(held.get("path", "")), word) if isinstance(word, str) and word else None
            if place is not None and place.suffix == ".txt":
                lines = (line.strip() for line in lines_of(place))
                beside = os.path.relpath(place.parent, folder)
                for path in (_there(folder, beside, line) for line in lines if line):
                    if path is not None:
                        found.setdefault(path, part)
            elif place is not None:
                found.setdefault(place, part)
    return found


def _there(folder: Path, start: str, word: str) -> Path | None:
    """The place in a folder that a path of data.yaml means. None if it is not there."""
    below = Path(*(step for step in Path(word).parts if step not in ("..", ".")))
    places = [folder / start / word, folder / word, folder / below]
    return next((folder / os.path.relpath(each, folder) for each in places if each.exists() and _is_below(each, folder)), None)


def _is_below(place: Path, folder: Path) -> bool:
    return not os.path.relpath(place, folder).startswith("..")


def _thing(place, words, size, names):
    """The object of a line."""
    try:
        label, shares = int(words[0]), np.array(words[1:], float)
    except ValueError:
        label, shares = -1, np.zeros(0)
    good = len(shares) == 4 or (len(shares) >= 6 and len(shares) % 2 == 0)
    if not good or label < 0:
        raise ValueError(f"{place}: expected {FORMS}, received {' '.join(words)!r:.200}.")
    classes = MOST if names is None else len(names)
    if label >= classes:
        raise ValueError(f"{place}: expected a class from 0 to {classes - 1}, received {label}.")
    for share in shares.tolist():
        if not math.isfinite(share) or not -OUTSIDE <= share <= 1 + OUTSIDE:
            raise ValueError(f"{place}: expected shares of the picture from 0 to 1, received {share:g}.")
    if len(shares) == 4:
        center, half = shares[:2], shares[2:] / 2
        corners, shape = np.stack([center - half, center + half]) * size, None
    else:
        points = shares.reshape(-1, 2) * size
        corners, shape = np.stack([points.min(axis=0), points.max(axis=0)]), Polygons((points,))
    return Thing(corners.ravel().tolist(), label, False, shape, place)
