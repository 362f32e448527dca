"""Where an experiment's code comes from: the laboratory, the user, or a name in a run folder."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

from lab.runs.paths import find_module, require_ours


def of_experiment(run: Callable) -> str:
    """What starts the experiment of a function `run`.

    It is the name of a module, the path of a script, or "" in a notebook.
    """
    spec = run.__globals__.get("__spec__")
    if spec is not None:
        return spec.name
    path = run.__globals__.get("__file__")
    return str(Path(path).resolve()) if path else ""


def command_line(started_by: str) -> list[str]:
    """The words after `python` that start an experiment again."""
    return [started_by] if started_by.endswith(".py") else ["-m", started_by]


def require_experiment(started_by: str) -> None:
    """Checks that a module or script calls `experiment.main`.

    A run folder that comes from somebody else may name any code.

    Raises:
        ValueError: it does not, or it cannot be found.
    """
    path = Path(started_by) if started_by.endswith(".py") else find_module(started_by)
    if path is None or not path.is_file():
        if started_by.startswith("experiments."):
            require_ours("experiments")
        raise ValueError(
            f"module: expected an experiment that can be found from {os.getcwd()}, received {started_by!r}; "
            "start from the folder that holds it"
        )
    try:
        found = calls_main(ast.parse(path.read_text(encoding="utf-8")))
    except (SyntaxError, UnicodeDecodeError):
        found = False
    if not found:
        raise ValueError(
            f"module: expected an experiment, which calls experiment.main, received {started_by!r} in {path}; "
            "the run folder is damaged or from somebody else, and nothing of it was started"
        )


def calls_main(tree: ast.Module) -> bool:
    """Whether a module calls `experiment.main`."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(call, ast.Attribute) and f".{ast.unparse(call)}".endswith(".experiment.main") for call in calls)
