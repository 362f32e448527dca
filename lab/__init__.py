"""The library of the laboratory: Keras components, the engine that runs them, agents and GANs.

An import of `lab` changes nothing. Keras, MLflow and Gymnasium are loaded when they are first used.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

try:
    __version__ = version("keras-rl-gan-lab")
except PackageNotFoundError:  # the checkout is not installed
    __version__ = "unknown"

MOVED = {  # modules that have moved since version 0.1
    "checkpoint": "lab.runs.checkpoint",
    "children": "lab.runs.children",
    "command": "lab.runs.command_line",
    "delivery": "lab.runs.mlflow_delivery",
    "environments": "lab.agents.environments",
    "events": "lab.runs.events",
    "experiment": "lab.runs.experiment",
    "files": "lab.runs.files",
    "finite": "lab.errors",
    "journal": "lab.runs.run_folder",
    "keras_settings": "lab.runs.keras_settings",
    "lifecycle": "lab.runs.lifecycle",
    "memory": "lab.runs.memory",
    "names": "lab.validation",
    "origin": "lab.runs.origin",
    "progress": "lab.runs.progress",
    "recipe": "lab.supervised.recipe",
    "seeds": "lab.engine.seeds",
    "server": "lab.runs.mlflow_server",
    "spaces": "lab.agents.spaces",
    "steps": "lab.agents.training",
    "track": "lab.runs.track",
    "tracking": "lab.runs.courier",
    "watch": "lab.agents.watching",
}


def renamed(module: str, names: dict[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: old names work for one more version, with a DeprecationWarning.

    Args:
        module: the `__name__` of the module.
        names: {old: new}. A new name is "module.name", or "name" if it is in the same module.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].rpartition(".")
        _warn(f"{module}.{name}", names[name])
        return getattr(importlib.import_module(place or module), new)

    return find


class _OldPaths(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules that have moved under their old paths, for one more version."""

    def find_spec(self, name, path=None, target=None):
        parent, _, leaf = name.rpartition(".")
        return importlib.machinery.ModuleSpec(name, self) if parent == __name__ and leaf in MOVED else None

    def create_module(self, spec):
        return ModuleType(spec.name)

    def exec_module(self, module):
        new = MOVED[module.__name__.rpartition(".")[2]]
        _warn(module.__name__, new)
        sys.modules[module.__name__] = importlib.import_module(new)


def _warn(old, new):
    message = f"{old}: its name is {new} now; the next version removes the old one."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


sys.meta_path.append(_OldPaths())
