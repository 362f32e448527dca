"""The pictures that a command reads, and where the ones it makes go."""

from collections.abc import Sequence
from pathlib import Path


def split(command: str, words: Sequence[str], before: str) -> tuple[list[Path], Sequence[str]]:
    """(the pictures at the beginning of a command line, the flags after them).

    A folder stands for the pictures in it, sorted by name.

    Args:
        command: its name, for messages.
        words: of the command line.
        before: what pictures come after, for messages.
    """
    from lab.data.images import FORMATS

    count = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    found: list[Path] = []
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
        raise ValueError(f"{command}: expected a picture after {before}, received none")
    return found, words[count:]


def places(command: str, output: str, pictures: Sequence[Path], ending: str) -> list[Path]:
    """Where the PNG that is made of each picture goes.

    Args:
        command: its name, for messages.
        output: a file for one picture, a folder for several; "" is the current folder.
        pictures: that are read.
        ending: of the names, after the picture's own.
    """
    whole = Path(output).resolve()
    if output and len(pictures) == 1:
        if whole.is_dir():
            raise ValueError(f"--output: expected a file for one picture, received the folder {output}")
        return [whole]
    if output and whole.is_file():
        raise ValueError(f"--output: expected a folder for {len(pictures)} pictures, received the file {output}")
    found = [whole / f"{picture.stem}-{ending}.png" for picture in pictures]
    for number, place in enumerate(found):
        if place in found[:number]:
            other = pictures[found.index(place)]
            raise ValueError(f"{command}: expected pictures with different names, received {other} and {pictures[number]}")
    return found
