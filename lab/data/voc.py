"""Folders with annotations as Pascal VOC's XML.

    JPEGImages/a.jpg            the picture
    Annotations/a.xml           its objects: name, difficult, bndbox
    SegmentationObject/a.png    0, the number of the object in the XML from 1 on, or 255 for void
    SegmentationClass/a.png     0, the number of the class from 1 on, or 255 for void
    ImageSets/Main/train.txt    names of pictures without their ending; also val.txt and test.txt

Pixels of boxes are counted from 1, and xmax and ymax are inside. So 1 is subtracted from xmin and
ymin, and xmax and ymax stay: they are the ends right of and below the box.

Classes are the names in the order of `classes.txt`, or without it of the alphabet. An object
without a pixel in SegmentationObject has no mask. SegmentationClass is read for pictures that have
no SegmentationObject, and needs `classes.txt`: nothing else says which class a number is.

Source: Everingham et al. 2010 and the development kit of VOC2012, section 3.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from lab.data.annotations import (
    Annotated,
    Faults,
    Picture,
    Thing,
    lines_of,
    names_in,
    opened,
    part_of,
    pictures_below,
    with_things,
)
from lab.data.folders import files_below
from lab.data.images import FORMATS
from lab.data.masks import VOID, Region, Regions, reason, values_in

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(folder: Path, faults: Faults) -> Annotated:
    """Reads the pictures of a folder with their XML files. Without one, it has no objects."""
    named = {path.stem: path for path in pictures_below(folder / "JPEGImages", faults)}
    roots = {path.stem: (path, _root(path)) for path in _xml_files(folder, faults)}
    entries = {stem: _objects(*each) for stem, each in roots.items()}
    listed = folder / "classes.txt"
    names = names_in(listed) if listed.is_file() else tuple(sorted({name for each in entries.values() for name, *_ in each}))
    parts = _parts(folder)
    pictures = []
    for stem in sorted({*named, *roots}):
        xml, root = roots.get(stem, (None, None))
        if stem not in named:
            faults.add(f"{xml}: expected a picture {stem} ({', '.join(FORMATS)}) in JPEGImages, received none.")
            continue
        picture = opened(named[stem], faults, _size(xml, root), str(xml))
        if picture is not None:
            found = _annotated(picture, folder, entries.get(stem, []), names, listed.is_file(), faults)
            pictures.append(found._replace(part=parts.get(stem, "")))
    has_masks = any(picture.regions or any(picture.shapes) for picture in pictures)
    return Annotated(names, tuple(pictures), has_masks, tuple(faults.lines))


def _xml_files(folder, faults):
    place = folder / "Annotations"
    return files_below(place, "XML files", lambda name: name.endswith(".xml"), unreadable=faults.unreadable)


def _root(path):
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise ValueError(f"{path}: expected XML, received a file that is none ({reason(error)}).") from error


def _size(path, root):
    """(width, height) as the XML says them. None where it does not."""
    if root is None or root.find("size") is None:
        return None
    written = [root.findtext(f"size/{side}", "") for side in ("width", "height")]
    if not all(side.strip().isdecimal() for side in written):
        raise ValueError(f"{path}: expected size with width and height, received {written[0]!r} and {written[1]!r}.")
    return int(written[0]), int(written[1])


def _objects(path: Path, root: ElementTree.Element) -> list[tuple[str, list[float], bool, str]]:
    """(name, box, difficult, place) of each object."""
    found = []
    for number, entry in enumerate(root.findall("object"), 1):
        place = f"{path}, object {number}"
        name = entry.findtext("name", "").strip()
        if not name:
            raise ValueError(f"{place}: expected a name, received none.")
        written = [entry.findtext(f"bndbox/{corner}", "") for corner in CORNERS]
        try:
            left, top, right, bottom = map(float, written)
        except ValueError as error:
            raise ValueError(f"{place}: expected numbers {', '.join(CORNERS)} in bndbox, received {written!r:.200}.") from error
        difficult = entry.findtext("difficult", "0").strip() == "1"
        found.append((name, [left - 1, top - 1, right, bottom], difficult, place))
    return found


def _parts(folder):
    """{name of a picture: part} from the lists in `ImageSets`, of Main or else of Segmentation."""
    kinds = [folder / "ImageSets" / kind for kind in ("Main", "Segmentation")]
    lists = next((kind for kind in kinds if kind.is_dir()), kinds[0])
    paths = [lists / f"{part}.txt" for part in ("train", "val", "test")]
    return {
        line.split()[0]: part_of([path.stem]) for path in paths if path.is_file() for line in lines_of(path) if line.split()
    }


def _annotated(
    picture: Picture,
    folder: Path,
    entries: list[tuple[str, list[float], bool, str]],
    names: tuple[str, ...],
    listed: bool,
    faults: Faults,
) -> Picture:
    """The picture with its objects and its classes of pixels."""
    for name, *_, place in entries:
        if name not in names:
            raise ValueError(f"{place}: expected a name of classes.txt, {', '.join(names)}, received {name!r}.")
    labels = [names.index(name) for name, *_ in entries]
    objects, classes = (folder / kind / f"{picture.path.stem}.png" for kind in ("SegmentationObject", "SegmentationClass"))
    regions, seen = None, []
    if objects.is_file():
        seen = values_in(objects, picture.size, len(entries), "numbers of objects")
        table = [0, *(label + 1 for label in labels)]
        regions = Regions(objects, (*table, *[VOID] * (256 - len(table))))
    elif classes.is_file():
        if not listed:
            raise ValueError(f"{classes}: expected {folder / 'classes.txt'} with the class of each number, received none.")
        values_in(classes, picture.size, len(names), "numbers of classes")
        regions = Regions(classes, tuple(range(256)))
    things = [
        Thing(box, label, difficult, Region(objects, number) if number in seen else None, place)
        for number, (label, (_, box, difficult, place)) in enumerate(zip(labels, entries), 1)
    ]
    return with_things(picture._replace(regions=regions), things, faults)
