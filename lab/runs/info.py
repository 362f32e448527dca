"""`python -m lab info`: versions, machine and store, as text for a report of a bug.

No backend is imported: versions are those of the installed distributions.
"""

import contextlib
import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from typing import Any

import lab
from lab.runs import keras_settings, machine, memory, mlflow_server, opening, paths

PACKAGES = ("keras", "tensorflow", "jax", "torch", "gymnasium", "mlflow", "numpy")

# Variables that decide what a run computes and where it is kept. The others may hold secrets.
VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "JAX_PLATFORMS",
    "KERAS_BACKEND",
    "LAB_HOME",
    "OMP_NUM_THREADS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "XLA_FLAGS",
)


@dataclass(frozen=True)
class Info:
    """The flags of `info`."""

    json: bool = False
    """Print JSON."""


def collect() -> dict[str, Any]:
    """What is known of this installation and this machine. Unknown values are None."""
    uri = mlflow_server.resolve_uri()
    folder = paths.home() / "mlruns"
    return {
        "lab": lab.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "backend": keras_settings.backend(),
        "processor": machine.processor(),
        "cores": machine.cores(),
        "instruction_sets": machine.instruction_sets(),
        "gpus": machine.gpus(),
        "store": opening.shown_store(uri),
        "runs": str(folder / "runs"),
        "free_disk": machine.free_disk(folder),
        "code": str(paths.CHECKOUT),
        "executable": sys.executable,
        "environment": {name: mlflow_server.hide(os.environ[name]) for name in sorted(os.environ) if name in VARIABLES},
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same as lines of text, "<name>: <value>"."""
    return [f"{name.replace('_', ' ')}: {_text(name, value)}" for name, value in found.items()]


def _text(name, value):
    if value is None:
        return "not installed" if name in PACKAGES else "unknown"
    if name == "free_disk":
        return memory.amount(value)
    if isinstance(value, dict):
        value = [f"{key}={each}" for key, each in value.items()]
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return value


def _version(package):
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None
