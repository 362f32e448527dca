"""Drawn data sets are kept on disk, so that the next run need not draw them again."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lab.runs.paths import home

DRAWN_BY = ("matplotlib", "numpy", "pillow", "scipy")  # other versions of these draw other pictures

Arrays: TypeAlias = Mapping[str, np.ndarray]


def kept(kind: str, settings: Any, make: Callable[[], Arrays], *, cache: bool = True) -> Arrays:
    """The arrays that `make` draws, from `$LAB_HOME/mlruns/cache` if they are there.

    A damaged file is drawn again. A disk that refuses it stops nothing.

    Args:
        kind: of the data, the beginning of the file's name.
        settings: on which the arrays depend, as JSON takes them.
        make: a function that draws them.
        cache: whether arrays are kept, and read if they are there.
    """
    if not cache:
        return make()
    name = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    path = home() / "mlruns" / "cache" / f"{kind}-{name}.npz"
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    except Exception:  # NumPy, zipfile and zlib raise many kinds
        arrays = make()
        _write(path, arrays)
        return arrays


def versions() -> list[str]:
    """The versions of what draws."""
    return [version(name) for name in DRAWN_BY]


def _write(path: Path, arrays: Arrays) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
