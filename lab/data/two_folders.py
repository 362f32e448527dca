"""Pictures of two folders, as the sources and the targets of a translation."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab.data.images import pictures_with_paths
from lab.data.pictures import upright_size

SHOWN = 3  # names in a message


class TwoFolders(NamedTuple):
    """Source and target pictures."""

    sources: np.ndarray  # uint8 [N, size, size, C]
    targets: np.ndarray  # uint8 [M, size, size, C']; of pairs, M = N and both have one order
    skipped: tuple[str, ...]  # the files that were left out


def two_folders(
    sources: str | Path,
    targets: str | Path,
    size: int,
    *,
    paired: bool,
    channels: tuple[int, int] = (3, 3),
    unreadable: str = "refuse",
) -> TwoFolders:
    """Every picture below two folders; see `folder_of_images` for what becomes of a picture.

    In pairs, a target has the path of its source, apart from the ending: `a/1.jpg` and `a/1.png`.

    Args:
        sources, targets: the folders.
        size: pixels on a side.
        paired: whether each source has its target. Else both folders are sets without order.
        channels: of the sources and of the targets, 1 or 3 each.
        unreadable: as of `folder_of_images`.

    Raises:
        ValueError: both folders are one, a folder has no pictures, or of pairs one is missing or
            has another shape. The message names it.
    """
    sources, targets = Path(sources), Path(targets)
    real = [Path(os.path.realpath(folder)) for folder in (sources, targets)]
    if real[0] == real[1] or real[0] in real[1].parents or real[1] in real[0].parents:
        raise ValueError(f"targets: expected another folder than that of the sources, not inside it, received {targets}.")
    found, skipped = [], []
    for folder, number in ((sources, channels[0]), (targets, channels[1])):
        read = list(pictures_with_paths(folder, size, number, unreadable))
        skipped += [str(path) for path, picture in read if picture is None]
        stems = [path.relative_to(folder).with_suffix("").as_posix() for path, _ in read]
        if paired and len(set(stems)) < len(stems):
            twice = next(stem for stem in stems if stems.count(stem) > 1)
            raise ValueError(f"{folder}: expected one picture of each name, received several of {twice}.")
        found.append(
            {
                path.relative_to(folder).with_suffix("" if paired else path.suffix).as_posix(): (path, picture)
                for path, picture in read
            }
        )
    names = [[name for name, (_, picture) in each.items() if picture is not None] for each in found]
    if paired:
        _require_pairs(found, (sources, targets))
        names = [[name for name in names[0] if name in names[1]]] * 2
        if not names[0]:
            raise ValueError(f"{sources}: expected pairs of pictures with {targets}, received none that can be read.")
    x, y = (np.stack([np.asarray(each[name][1]) for name in kept]) for each, kept in zip(found, names))
    return TwoFolders(x, y, tuple(skipped))


def _require_pairs(found, folders):
    """Raises if a picture has no counterpart, or one of other proportions."""
    for one, other, folder in ((*found, folders[1]), (*found[::-1], folders[0])):
        alone = [path for name, (path, _) in one.items() if name not in other]
        if alone:
            more = f" and {len(alone) - SHOWN} others" if len(alone) > SHOWN else ""
            shown = ", ".join(map(str, alone[:SHOWN]))
            raise ValueError(f"{folder}: expected a picture of the same name for each, received none for {shown}{more}.")
    for name, (path, picture) in found[0].items():
        other, counterpart = found[1][name]
        if picture is None or counterpart is None:
            continue
        one, two = upright_size(path), upright_size(other)
        if abs(one[0] * two[1] - two[0] * one[1]) > max(*one, *two):
            received = f"{one[0]} x {one[1]} and {two[0]} x {two[1]}"
            raise ValueError(f"{other}: expected the proportions of {path}, received {received}.")
