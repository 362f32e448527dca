"""Exact checkpoints: every variable of a run, random states included.

One checkpoint is one safetensors file, `step-<env steps>.safetensors`: the variables in the order they are given, and in its
header the step, the digest of the run's configuration and a SHA-256 over all of it. It is written beside its
place, flushed to the disk and renamed, so a file under that name is whole or damaged by others. Nothing is pickled.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy

from lab.errors import CheckpointError

SUFFIX = ".safetensors"


class Checkpoint(NamedTuple):
    """What a checkpoint holds beside the variables, which are restored in place."""

    step: int
    path: Path | None  # None where every checkpoint is damaged, and the run must start anew
    damaged: list[str]  # what was wrong with newer checkpoints that were passed over


def save(folder, step, variables, *, config_digest="", keep=3):
    """Writes a checkpoint and deletes all but the newest `keep`. An `OSError` (a full disk) leaves the older ones alone.

    Args:
        variables: Keras variables, all of the run's state.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.asarray(value, order="C") for name, value in zip(_names(variables), map(np.asarray, variables))}
    metadata = {"format": "1", "step": str(step), "config": config_digest}
    metadata["sha256"] = _digest(tensors, metadata)
    path = folder / f"step-{step:012d}{SUFFIX}"
    temporary = folder / f".{path.name}.partial"
    for left in folder.glob(".*.partial"):  # by a process that was killed while it wrote
        left.unlink(missing_ok=True)
    try:
        with open(temporary, "wb") as file:
            file.write(safetensors.numpy.save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(folder)
    for old in _newest_first(folder)[keep:]:
        with contextlib.suppress(OSError):  # the new one is saved, whatever lies in an old one's place
            old.unlink()
    return path


def restore(folder, variables, *, config_digest=""):
    """Restores the newest checkpoint that is whole into `variables`; `None` where there is none.

    A truncated or altered file is passed over for the one before it and named in `damaged`; where none is whole the variables
    stay as they are, and the step is 0.

    Raises:
        CheckpointError: the checkpoint was made under another configuration or for other variables.
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


def read(path):
    """(tensors by name, header) of a checkpoint file, verified; ValueError where the checksum does not hold."""
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata() or {})
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
    recorded = metadata.pop("sha256")
    actual = _digest(tensors, metadata)
    if actual != recorded:
        raise ValueError(f"damaged: expected SHA-256 {recorded[:12]}, received {actual[:12]}")
    return tensors, metadata


def sync_folder(folder):
    """Makes renames and new files in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(variables):
    # The position keeps names apart and independent of Keras's process-wide counters; the path is for people.
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
    except OSError as error:  # to begin again without a word would be worse
        raise CheckpointError(f"{folder}: expected a folder of checkpoints, received none: {error.strerror}") from error
    return [folder / name for name in sorted(names, reverse=True) if name.startswith("step-") and name.endswith(SUFFIX)]


def _digest(tensors, metadata):
    sha = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        sha.update(tensor.tobytes())
    return sha.hexdigest()
