"""Where files of ours lie, how they are written whole, and how damage to them is told."""

import contextlib
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

from lab import renamed
from lab.errors import DamagedFile


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes JSON with a checksum. At every moment the file is the old one or the new one."""
    temporary = path.with_name(f".{path.name}.partial")  # the next write replaces what a killed process left
    content = json.loads(json.dumps(content))
    try:
        with open(temporary, "w") as file:
            json.dump(content | {"checksum": _checksum(content)}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote, verified; files of older versions have no checksum. `DamagedFile` where it is not that."""
    with _reading(path):
        text = path.read_bytes()
    if not text:
        raise DamagedFile(path, "JSON", "an empty file")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(path, "JSON", f"{len(text)} bytes that are none: {error}") from error
    if not isinstance(content, dict):
        raise DamagedFile(path, "a JSON object", f"a JSON {type(content).__name__}")
    recorded = content.pop("checksum", None)
    if recorded not in (None, _checksum(content)):
        raise DamagedFile(path, f"the content with checksum {recorded}", "another: it was damaged or edited")
    return content


def require_readable(path: Path) -> None:
    """Raises `DamagedFile` unless the path is a file that can be read, and whole where that can be told."""
    if path.name == "config.json":
        read_json(path)
        return
    with _reading(path), open(path, "rb") as file:
        file.read(1)
    if path.suffix == ".keras":
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
        except Exception as error:  # zipfile raises many kinds for a damaged header
            raise DamagedFile(path, "a model that Keras saved", f"a damaged one: {error}") from error
        if damaged:
            raise DamagedFile(path, "a model that Keras saved", f"one whose part {damaged} is damaged")


@contextlib.contextmanager
def _reading(path):
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedFile(path, "a file", "nothing") from error
    except OSError as error:
        raise DamagedFile(path, "a readable file", error.strerror or repr(error)) from error


def _checksum(content):
    return f"{zlib.crc32(json.dumps(content, sort_keys=True).encode()):08x}"


__getattr__ = renamed(
    __name__,
    {
        "home": "lab.runs.paths.home",
        "replacing": "lab.runs.paths.replacing",
    },
)
