"""The pictures that a command reads, and where the ones it makes go."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Given(NamedTuple):
    """The pictures at the beginning of a command line."""

    pictures: list[Path]
    folders: bool  # whether some were given as a folder
    rest: Sequence[str]  # the flags after them


def split(words: Sequence[str], missing: str) -> Given:
    """The pictures at the beginning of a command line, and the flags after them.

    A folder stands for the pictures in it, sorted by name.

    Args:
        words: of the command line.
        missing: the message where there is no picture.
    """
    from lab.data.images import FORMATS

    count = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    found: list[Path] = []
    folders = any(Path(word).is_dir() for word in words[:count])
    for path in map(Path, words[:count]):
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.suffix.lower() in FORMATS and each.is_file())
            if not inside:
                raise ValueError(f"{path}: expected a folder with pictures, received none in it")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: expected a picture, received nothing")
    if not found and not any(word in ("-h", "--help") for word in words):
        raise ValueError(missing)
    return Given(found, folders, words[count:])


def places(command: str, output: str, pictures: Sequence[Path], ending: str, *, folders: bool = False) -> list[Path]:
    """Where the PNG that is made of each picture goes.

    Args:
        command: its name, for messages.
        output: a file for one picture, a folder for several or for a folder; "" is the current
            folder.
        pictures: that are read.
        ending: of the names, after the picture's own.
        folders: whether a folder was given, however many pictures are in it.
    """
    whole = Path(output).resolve()
    if output and len(pictures) == 1 and not folders:
        if whole.is_dir():
            raise ValueError(f"--output: expected a file for one picture, received the folder {output}")
        if whole.suffix.lower() != ".png":
            raise ValueError(f"--output: expected a name that ends in .png, received {output}")
        return [whole]
    if output and whole.is_file():
        received = f"{len(pictures)} picture{'s' * (len(pictures) > 1)}"
        raise ValueError(f"--output: expected a folder for {received}, received the file {output}")
    found = [whole / f"{picture.stem}-{ending}.png" for picture in pictures]
    for number, place in enumerate(found):
        if place in found[:number]:
            other = pictures[found.index(place)]
            raise ValueError(f"{command}: expected pictures with different names, received {other} and {pictures[number]}")
    return found
