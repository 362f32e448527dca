"""Exact checkpoints: every variable of a run, random states included.

A checkpoint is one safetensors file, `step-<environment steps>.safetensors`. It holds the variables
in the order in which they are given. Its header holds the step, the digest of the run's
configuration and a SHA-256 over all of it.

It is written beside its place, flushed to the disk and then renamed. So a file under that name is
whole, unless somebody else damaged it. Nothing is pickled.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

from lab.errors import CheckpointError
from lab.runs.paths import replacing

SUFFIX = ".safetensors"


class Checkpoint(NamedTuple):
    """What `restore` found. The variables themselves are restored in place."""

    step: int
    path: Path | None  # None if every checkpoint is damaged: the run must start anew
    damaged: list[str]  # the newer checkpoints that were skipped, and what is wrong with each


def save(folder: Path, step: int, variables: Sequence[Any], *, config_digest: str = "", keep: int = 3) -> Path:
    """Writes a checkpoint and deletes all but the newest `keep`.

    Args:
        variables: Keras variables, the whole state of the run.

    Raises:
        OSError: the disk is full, for example. The older checkpoints stay.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.asarray(value, order="C") for name, value in zip(_names(variables), map(np.asarray, variables))}
    metadata = {"format": "1", "step": str(step), "config": config_digest}
    metadata["sha256"] = _digest(tensors, metadata)
    path = folder / f"step-{step:012d}{SUFFIX}"
    for left in folder.glob(".*.partial*"):  # of a process that was killed while it wrote
        left.unlink(missing_ok=True)
    with replacing(path, durable=True) as beside:
        beside.write_bytes(safetensors.numpy.save(tensors, metadata))
    sync_folder(folder)
    for old in _newest_first(folder)[keep:]:
        with contextlib.suppress(OSError):  # the new one is saved, whatever an old one turns out to be
            old.unlink()
    return path


def restore(folder: Path, variables: Sequence[Any], *, config_digest: str = "") -> Checkpoint | None:
    """Restores the newest checkpoint that is whole into `variables`. None if there is none.

    A truncated or altered file is skipped, and named in `damaged`; the one before it is tried next.
    If none is whole, the variables stay as they are and the step is 0.

    Raises:
        CheckpointError: the checkpoint is of another configuration or of other variables.
    """
    damaged = []
    for path in _newest_first(Path(folder)):
        try:
            tensors, metadata = read(path)
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            damaged.append(f"{path}: {str(error).splitlines()[0] if str(error) else repr(error)}")
            continue
        if metadata["config"] != config_digest:
            raise CheckpointError(
                f"{path}: expected a checkpoint of configuration {config_digest[:12]}, received {metadata['config'][:12]}."
            )
        _assign(path, tensors, variables)
        return Checkpoint(int(metadata["step"]), path, damaged)
    return Checkpoint(0, None, damaged) if damaged else None


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads and verifies a checkpoint file. Returns (tensors by name, header).

    Raises:
        ValueError: the checksum is not that of the content.
    """
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata() or {})
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
    recorded = metadata.pop("sha256")
    actual = _digest(tensors, metadata)
    if actual != recorded:
        raise ValueError(f"damaged: expected SHA-256 {recorded[:12]}, received {actual[:12]}")
    return tensors, metadata


def is_whole(path: Path) -> bool:
    """Whether a checkpoint file can be read, and its checksum is that of its content."""
    try:
        read(path)
    except (OSError, ValueError, KeyError, safetensors.SafetensorError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder to the disk. They survive a power failure from then on."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(variables):
    # The position makes each name unique. The path is for people: Keras counts names per process.
    return [f"{position:04d} {variable.path}" for position, variable in enumerate(variables)]


def _assign(path, tensors, variables):
    by_position = {int(name.split(" ", 1)[0]): (name, tensor) for name, tensor in tensors.items()}
    if len(by_position) != len(variables):
        raise CheckpointError(f"{path}: expected {len(variables)} variables, received {len(by_position)}.")
    for position, variable in enumerate(variables):
        name, tensor = by_position[position]
        expected = (tuple(variable.shape), str(np.asarray(variable).dtype))
        if (tensor.shape, str(tensor.dtype)) != expected:
            raise CheckpointError(f"{path}: {name}: expected {expected}, received {(tensor.shape, str(tensor.dtype))}.")
    for position, variable in enumerate(variables):
        variable.assign(by_position[position][1])


def _newest_first(folder):
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:  # a silent start from step 0 would be worse
        raise CheckpointError(f"{folder}: expected a folder of checkpoints, received none: {error.strerror}") from error
    return [folder / name for name in sorted(names, reverse=True) if name.startswith("step-") and name.endswith(SUFFIX)]


def _digest(tensors, metadata):
    sha = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        sha.update(tensor.tobytes())
    return sha.hexdigest()
