"""The arrows of the house: who may import whom, where backends and MLflow may be named, and how long things may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for room in ("lab", "envs", "experiments") for path in (ROOT / room).rglob("*.py"))
BACKENDS = {"tensorflow", "jax", "torch"}
# Each room's layer; a file may import its own layer and those below it.
LAYERS = {"components": 0, "models": 1, "learning": 2, "experiments": 3}
TOOLS = {
    "command",
    "environments",
    "events",
    "files",
    "journal",
    "memory",
    "names",
    "origin",
    "progress",
    "recipe",
    "steps",
}  # no keras in them: everyone may use them
TRACKING = {"delivery", "server", "tracking"}  # the room that delivers to MLflow
RUNNING = {
    "children",
    "experiment",
    "flavor",
    "keras_settings",
    "lifecycle",
    *TRACKING,
    "track",
    "checkpoint",
    "watch",
    "__main__",
}


def imports(path):
    """Every module a file imports anywhere, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module):
    """The part of `lab` a dotted name lies in, or None."""
    parts = module.split(".")
    return parts[1] if parts[0] == "lab" and len(parts) > 1 else None


def layer(name):
    if name in ("agents", "gan", "supervised", "visualize"):
        return LAYERS["learning"]
    return LAYERS["models"] if name == "models" else LAYERS["components"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    relative = path.relative_to(ROOT)
    top = relative.parts[0]
    mine = relative.parts[1].removesuffix(".py") if len(relative.parts) > 1 else ""
    for module in imports(path):
        root = module.split(".")[0]
        if root in BACKENDS:
            assert relative.parts[:2] == ("lab", "engine") or relative.parts[:2] == ("lab", "data"), (
                f"{relative} imports {module}"
            )
        if root == "mlflow":
            assert top == "lab" and mine in TRACKING, f"{relative} imports {module}"
        assert not (top == "lab" and root in ("envs", "experiments")), f"{relative} imports {module}"
        assert not (top == "envs" and root in ("lab", "experiments")), f"{relative} imports {module}"
        other = room(module)
        if top != "lab" or other is None or other in TOOLS or mine in RUNNING:
            continue
        assert other not in RUNNING, f"{relative} imports {module}: agents and components return numbers, they never log"
        assert layer(other) <= layer(mine), f"{relative} imports {module}, which stands above it"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_budgets(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300, f"{path.name}: expected at most 300 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name != "run":
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.lineno
            assert node.end_lineno - start < 50, f"{path.name}: {node.name} has {node.end_lineno - start} lines"


def test_one_dqn_costs_four_files_and_350_lines():
    # From the experiment to the update: the experiment, the loop, the agent, the replay. Code lines, docstrings aside.
    files = ["experiments/dqn_cartpole.py", "lab/agents/training.py", "lab/agents/dqn.py", "lab/agents/replay.py"]
    total = 0
    for name in files:
        tree = ast.parse((ROOT / name).read_text())
        lines = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                lines.update(range(node.lineno, node.end_lineno + 1))
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
        for node in texts:
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
        source = (ROOT / name).read_text().splitlines()
        total += sum(bool(source[line - 1].strip()) for line in lines)
    assert total <= 350, f"expected at most 350 lines of code, received {total}"


def test_layers_have_an_order():
    assert layer("engine") < layer("models") < layer("agents")
