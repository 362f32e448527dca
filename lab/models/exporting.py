"""Models in the formats of `keras.Model.export`, written whole or not at all."""

import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from lab import validation
from lab.engine import private

# {format: the package that it needs, the ending of its file}
FORMATS = {
    "keras": (None, ".keras"),
    "tf_saved_model": (None, ""),
    "onnx": ("tf2onnx", ".onnx"),
    "litert": (None, ".tflite"),
}


def require_format(format: str) -> None:
    """Checks that a model can be written in this format, here.

    Raises:
        ValueError: there is no such format, or the backend cannot write it.
        ImportError: its package is not installed.
    """
    validation.require_name("format", format, FORMATS)
    package, _ = FORMATS[format]
    if package and importlib.util.find_spec(package) is None:
        raise ImportError(f"format: expected the package {package} for {format!r}, received none; pip install '.[export]'.")
    if format != "keras" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"format: expected KERAS_BACKEND=tensorflow for {format!r}, received {keras.backend.backend()}; "
            "save it and load it there."
        )


def with_ending(path: Any, format: str) -> Path:
    """The path with the ending that the format's files have."""
    path, ending = Path(path), FORMATS[format][1]
    return path if path.suffix == ending or not ending else path.with_name(path.name + ending)


def export(model: keras.Model, path: Any, *, format: str, **options: Any) -> Path:
    """Writes a model, of which only the outputs are needed. Returns the path, with its ending.

    A file that is there is replaced, and so is the folder of a SavedModel. The new one is first
    written beside it: if that fails, the old one stays.

    Args:
        path: a folder for "tf_saved_model", else a file.
        format: "keras", "tf_saved_model", "onnx" or "litert".
        **options: of `keras.Model.export`, or of `keras.Model.save`.

    Raises:
        ValueError: the format is unknown or does not have the model's operations; or there is
            something else in its place.
        ImportError: the format needs a package that is not installed.
    """
    require_format(format)
    path = with_ending(path, format)
    require_place(path, format)
    zeros = [np.zeros((1, *(size or 1 for size in tensor.shape[1:])), tensor.dtype) for tensor in model.inputs]
    model(zeros if len(zeros) > 1 else zeros[0])  # ONNX needs a model that was called
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        beside = Path(folder) / path.name
        if format == "keras":
            with private.without_tensorflow():
                model.save(beside, **options)
        else:
            model.export(str(beside), format=format, **{"verbose": False} | options)
        if format == "onnx":
            _check_onnx(beside)
        if path.is_dir():
            path.rename(Path(folder) / "old")
        os.replace(beside, path)
    return path


def require_place(path: Path, format: str) -> None:
    """Checks that a model can be written there, without harm to anything else.

    Raises:
        ValueError: there is a folder that is no SavedModel, or a file in place of a folder.
        FileNotFoundError: the folder around it does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: expected a folder that exists, received {path.parent}")
    folder = format == "tf_saved_model"
    if path.is_dir() and not (folder and (path / "saved_model.pb").exists()):
        expected = "nothing or a SavedModel" if folder else "nothing or a file"
        raise ValueError(f"{path}: expected {expected} in this place, received a folder of something else")
    if folder and path.exists() and not path.is_dir():
        raise ValueError(f"{path}: expected nothing or a SavedModel in this place, received a file")


def _check_onnx(path):
    """ValueError where the file has operations that ONNX does not know: tf2onnx only logs them."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        message = (str(error).strip() or "no reason").splitlines()[0]
        raise ValueError(f"format: expected a model of operations that ONNX has, received {message}") from error
