"""JSON files with a checksum, tables, and what is reported of a damaged file."""

import contextlib
import csv
import json
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lab import renamed
from lab.errors import DamagedFile
from lab.runs import paths


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes JSON with a checksum. At every moment the file is the old one or the new one."""
    content = json.loads(json.dumps(content))
    with paths.replacing(path, durable=True) as beside, open(beside, "w") as file:
        json.dump(content | {"checksum": _checksum(content)}, file, indent=2)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table, as a whole."""
    with paths.replacing(path) as beside, open(beside, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def read_json(path: Path) -> dict[str, Any]:
    """Reads what `write_json` wrote, and verifies it. Files of older versions have no checksum.

    Raises:
        DamagedFile: the file is missing or unreadable, or is not what was written.
    """
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
    """Checks that a file can be read. JSON and Keras files must be whole too.

    Raises:
        DamagedFile: it cannot be read, or a part of it is damaged.
    """
    if path.name == "config.json":
        read_json(path)
        return
    with _reading(path), open(path, "rb") as file:
        file.read(1)
    if path.suffix == ".keras":
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
        except Exception as error:  # zipfile raises many kinds of errors for a damaged header
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
