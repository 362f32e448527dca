"""Folders of pictures whose masks say the class of each pixel.

`images/a.jpg` has its mask in `masks/a.png`, of the same size and of one channel. A pixel's value
is its class: 0 is the background, 255 is void. `classes.txt` names the classes from 1 on, one a
line. It may name the background first. A picture without a mask is all background.
"""

from pathlib import Path

from lab.data.annotations import Annotated, Faults, names_in, opened, pairs
from lab.data.masks import VOID, Regions, numbers_in, values_in


def read(folder: Path, faults: Faults) -> Annotated:
    """Reads the pictures of a folder with their masks. They have no objects."""
    listed = folder / "classes.txt"
    names = names_in(listed) if listed.is_file() else None
    if names and names[0].strip("_").lower() == "background":
        names = names[1:]
    pictures, seen = [], {0}
    for path, mask, part in pairs(folder, "masks", ".png", faults):
        stated = numbers_in(mask).shape[::-1] if mask.exists() else None
        picture = opened(path, faults, stated, str(mask))
        if picture is None:
            continue
        regions = None
        if mask.exists():
            seen |= set(values_in(mask, picture.size, len(names) if names else VOID - 1, "classes"))
            regions = Regions(mask, tuple(range(256)))
        pictures.append(picture._replace(regions=regions, part=part))
    if not any(picture.regions for picture in pictures):
        raise ValueError(
            f"{folder}: expected masks as PNG files in a folder masks, received none for {len(pictures)} pictures."
        )
    if seen == {0}:
        raise ValueError(f"{folder}: expected classes from 1 to 254 in masks, received only 0, the background.")
    if seen == {0, VOID}:
        raise ValueError(f"{folder}: expected classes from 1 to 254 in masks, received only 0 and 255 (void); write 1 for 255.")
    if names is None:
        names = tuple(f"class {value}" for value in range(1, max(seen - {VOID}) + 1))
    return Annotated(names, tuple(pictures), True, tuple(faults.lines))
