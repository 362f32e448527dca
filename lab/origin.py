"""Where code comes from: the laboratory's own, the user's, or whatever a run folder names."""

import ast
import importlib.machinery
import importlib.util
import os
from pathlib import Path

OURS = Path(__file__).resolve().parent.parent  # the folder that `lab`, `envs` and `experiments` lie in


def require_ours(*packages):
    """A ValueError where a folder of the user's, of the same name, stands before a package of the laboratory."""
    for name in packages:
        found = _find(name)
        if found is not None and found.parent.parent != OURS:
            raise ValueError(
                f"{name}: expected the laboratory's package in {OURS / name}, received {found.parent}, which hides it; "
                "start from another folder or rename yours"
            )


def of_experiment(run):
    """What starts the experiment that a function `run` belongs to: its module, the path of its script, or nothing in a notebook."""
    spec = run.__globals__.get("__spec__")
    if spec is not None:
        return spec.name
    path = run.__globals__.get("__file__")
    return str(Path(path).resolve()) if path else ""


def command_line(started_by):
    """The words after `python` that start an experiment again."""
    return [started_by] if started_by.endswith(".py") else ["-m", started_by]


def require_experiment(started_by):
    """A ValueError unless a module or script calls `experiment.main`: a run folder from elsewhere may name any code."""
    path = Path(started_by) if started_by.endswith(".py") else _find(started_by)
    if path is None or not path.is_file():
        if started_by.startswith("experiments."):
            require_ours("experiments")
        raise ValueError(
            f"module: expected an experiment that can be found from {os.getcwd()}, received {started_by!r}; "
            "start from the folder that holds it"
        )
    try:
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    except (SyntaxError, UnicodeDecodeError):
        calls = []
    if not any(
        isinstance(call, ast.Attribute) and ast.unparse(call) in ("experiment.main", "lab.experiment.main") for call in calls
    ):
        raise ValueError(
            f"module: expected an experiment, which calls experiment.main, received {started_by!r} in {path}; "
            "the run folder is damaged or from somebody else, and nothing of it was started"
        )


def _find(module):
    """The file of a module, found without importing anything on the way, or None."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # no name, or __main__
        return None
    for part in parts:
        places = list(spec.submodule_search_locations or ()) if spec else []
        spec = importlib.machinery.PathFinder.find_spec(part, places)
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() / "__init__.py" if places else None  # a folder without one is a package too
