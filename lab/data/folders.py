"""Which files below a folder are data: one rule for pictures and for texts."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

SYSTEM = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db", "desktop.ini"}


def files_below(
    folder: str | Path,
    what: str,
    wanted: Callable[[str], bool],
    *,
    without: Collection[str] = (),
    unreadable: str = "refuse",
) -> list[Path]:
    """The files below a folder whose names are wanted, in the order of their paths.

    Hidden entries are left out. They are names that begin with a dot, and the files and folders
    of operating systems (`SYSTEM`). Pipes, sockets and devices are left out too. Links are
    followed, except a link from inside a folder to that folder.

    Args:
        folder: where to look.
        what: the kind of files, for messages, such as "pictures".
        wanted: file name -> whether it is wanted.
        without: names of files and folders that are left out too.
        unreadable: "refuse" raises at a folder that cannot be read and names it. "skip" leaves
            it out.
    """
    if unreadable not in ("refuse", "skip"):
        raise ValueError(f"unreadable: expected 'refuse' or 'skip', received {unreadable!r}.")
    folder = Path(folder)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        found = "one that cannot be read" if folder.is_dir() else "none"
        raise ValueError(f"{folder}: expected a folder of {what}, received {found}.")

    def walk(place: Path, around: frozenset[str]) -> Iterator[Path]:
        around |= {os.path.realpath(place)}
        try:
            names = os.listdir(place)
        except OSError as error:
            if unreadable == "refuse":
                raise ValueError(f"{place}: expected a folder, received one that cannot be read ({error}).") from error
            return
        for name in names:
            path = place / name
            if name.startswith(".") or name in SYSTEM or name in without:
                continue
            if os.path.isdir(path):
                if os.path.realpath(path) not in around:
                    yield from walk(path, around)
            elif wanted(name) and (path.is_file() or path.is_symlink()):
                yield path

    return sorted(walk(folder, frozenset()))
