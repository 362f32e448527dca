"""Which package may import which, where backends and MLflow may be named, how long files are.

And whether CONTRIBUTING names what is there.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("lab", "envs", "experiments") for path in (ROOT / package).rglob("*.py"))
BACKENDS = {"tensorflow", "jax", "torch"}
# Each package's level: a file may import its own level and those below it.
LEVELS = {"": 0, "models": 1, "agents": 2, "gan": 2, "supervised": 2, "vision": 2, "visualize": 2}
EVERYBODYS = (
    "lab",
    "lab.renamed",
    "lab.errors",
    "lab.validation",
    "lab.runs.paths",
    "lab.engine.precision",
    "lab.engine.private",
)
WITHOUT_KERAS = (
    "lab/agents/environments.py",
    "lab/agents/copies.py",
    "lab/agents/environment_checks.py",
    "lab/agents/spaces.py",
    "lab/agents/training.py",
    "lab/agents/tabular/for_env.py",
    "lab/supervised/recipe.py",
    "lab/errors.py",
    "lab/validation.py",
    "lab/engine/precision.py",
    "lab/engine/seeds.py",
)


def imports(path, nested=True):
    """The modules that a file imports, as dotted names. Without `nested`, only at its top level."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if nested else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package(module):
    """The package of `lab` that holds a dotted name, "" for components and the engine."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in (*LEVELS, "runs") else ""


def everybodys(module):
    return any(module == name or module.startswith(f"{name}.") for name in EVERYBODYS[1:]) or module in ("lab", "lab.runs")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    relative = path.relative_to(ROOT)
    top, mine = relative.parts[0], package(".".join(relative.with_suffix("").parts))
    if relative.parts[1] in ("__main__.py", "commands"):  # a command imports its room when it runs
        return
    for module in imports(path):
        root = module.split(".")[0]
        if root in BACKENDS:
            assert relative.parts[:2] == ("lab", "engine"), f"{relative} imports {module}"
        if root == "mlflow":
            assert mine == "runs", f"{relative} imports {module}"
        assert not (top == "lab" and root in ("envs", "experiments")), f"{relative} imports {module}"
        assert not (top == "envs" and root in ("lab", "experiments")), f"{relative} imports {module}"
        if top != "lab" or root != "lab" or everybodys(module):
            continue
        other = package(module)
        if mine == "runs":
            # Only the engine can run seeds as one program; `lab.runs.together` calls it.
            allowed = module == "lab.layers" or (path.name == "together.py" and module == "lab.engine")
            assert other == "runs" or allowed, f"{relative} imports {module}: a run is handed what it needs"
        else:
            assert other != "runs", f"{relative} imports {module}: agents and components return numbers, they never log"
            assert LEVELS[other] <= LEVELS[mine], f"{relative} imports {module}, which stands above it"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.relative_to(ROOT).parts[:2] == ("lab", "runs")], ids=lambda path: path.name
)
def test_runs_load_no_backend_by_themselves(path):
    assert not {"keras", "lab.layers", "lab.engine"} & set(imports(path, nested=False))


@pytest.mark.parametrize("name", WITHOUT_KERAS)
def test_settings_are_checked_without_keras(name):
    assert "keras" not in {module.split(".")[0] for module in imports(ROOT / name, nested=False)}


def test_the_root_of_lab_is_short():
    names = sorted(path.name for path in (ROOT / "lab").glob("*.py"))
    assert len(names) <= 8, f"lab: expected at most 8 files, received {', '.join(names)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_budgets(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300, f"{path.name}: expected at most 300 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name != "run":
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.lineno
            assert node.end_lineno - start < 50, f"{path.name}: {node.name} has {node.end_lineno - start} lines"


def test_contributing_names_what_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = re.findall(r"`((?:lab|envs|experiments|tests|benchmarks|\.ci)/[\w/.]*)`", text)
    assert len(paths) > 40
    assert not [path for path in paths if not (ROOT / path).exists()]
