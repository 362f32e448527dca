"""Locks between processes, by `flock` on a file. They end with the process at the latest."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def lock(path: Path, wait: bool = False) -> Iterator[bool]:
    """Holds the lock of a file, which it makes. Yields whether this process has it.

    Args:
        wait: waits until no other process has the lock, instead of yielding False.
    """
    with open(path, "w") as file:
        mine = wait or not _held(file)
        while mine:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                break
            except BlockingIOError:  # another process holds it, or looks at it for a moment
                mine = not _held(file)
        yield mine


def locked(path: Path) -> bool:
    """Whether a process holds the lock of a file. Does not take it, nor make the file."""
    try:
        with open(path) as file:
            return _held(file)
    except FileNotFoundError:
        return False


def _held(file: IO[str]) -> bool:
    """Whether another process holds the lock of a file.

    To find out, a process shares the lock for a moment. Several can do that at once.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
