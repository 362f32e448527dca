"""Writes the pages of the site that come from the code and from measured results.

`docs/conf.py` calls `write_all` at the start of each build. The folders that it writes,
`docs/experiments`, `docs/algorithms` and `docs/api`, are not in git.
"""

import ast
import dataclasses
import importlib
import inspect
import re
import shutil
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import scores
from benchmarks.tables import Table
from docs import docstrings
from docs.measurements import SPEED
from lab.agents import settings
from lab.runs.experiment import About

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
TUTORIALS = (
    "own_environment",
    "own_network",
    "transfer",
    "debug",
    "save_and_load",
    "own_experiment",
    "compare_runs",
    "notebooks",
    "accelerators",
    "gan_on_a_folder",
)

# {class in lab.agents and in lab.agents.settings: what it is}
DEEP = {
    "DQN": "Deep Q-learning",
    "PPO": "Proximal policy optimisation",
    "RecurrentPPO": "Recurrent PPO",
    "A2C": "Advantage actor-critic",
    "REINFORCE": "REINFORCE",
    "SAC": "Soft actor-critic",
    "TD3": "Twin delayed DDPG",
    "DDPG": "Deep deterministic policy gradient",
}
MODULES = {"RecurrentPPO": "recurrent_ppo"}  # others: the class in lower case
BOX = ("SAC", "TD3", "DDPG")

# {package: what it is}
PACKAGES = {
    "lab.agents": "agents and their parts",
    "lab.agents.tabular": "tabular methods",
    "lab.gan": "generative adversarial networks",
    "lab.supervised": "supervised training",
    "lab.models": "networks",
    "lab.layers": "layers",
    "lab.losses": "losses for Keras",
    "lab.losses.adversarial": "objectives of GANs",
    "lab.losses.penalties": "penalties of GANs",
    "lab.losses.reinforcement": "targets and losses of agents",
    "lab.optimizers": "optimizers",
    "lab.distributions": "probability distributions",
    "lab.vision": "detection and segmentation",
    "lab.vision.style": "style and texture",
    "lab.metrics": "measures",
    "lab.activations": "activations",
    "lab.information": "measures of information",
    "lab.initializers": "initializers",
    "lab.regularizers": "regularizers",
    "lab.data": "data sets",
    "lab.visualize": "pictures of what a network has learnt",
    "lab.engine": "compiled programs",
    "lab.runs.experiment": "experiments and their runs",
    "lab.runs.track": "what a run logs",
    "lab.runs.comparison": "comparisons of runs",
    "lab.runs.statistics": "statistics of a few runs",
    "lab.errors": "exceptions",
}
HIDDEN = "build, call, get_config, from_config, compute_output_shape, compute_mask"  # Keras's protocol
COLUMNS = 6  # of a table, so that it fits on the page


class TutorialOrder:
    """Sphinx-Gallery's key for the order of tutorials."""

    def __init__(self, folder: str) -> None:
        """Sphinx-Gallery passes the folder."""

    def __call__(self, name: str) -> int:
        """The position of a file."""
        return TUTORIALS.index(Path(name).stem)


def write_all() -> None:
    """Writes all generated pages. A page that has not changed keeps its time."""
    for folder, pages in (("experiments", experiment_pages()), ("algorithms", algorithm_pages()), ("api", api_pages())):
        place = DOCS / folder
        place.mkdir(exist_ok=True)
        written = {place / f"{name}.rst": text for name, text in pages}
        for path in set(place.iterdir()) - written.keys():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, text in written.items():
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
    # Tutorials write files beside themselves, so they run in a copy.
    copies = DOCS / "_build" / "tutorials"
    shutil.rmtree(copies, ignore_errors=True)
    shutil.copytree(DOCS / "tutorials", copies, ignore=shutil.ignore_patterns("__pycache__", "ruff.toml"))


# Tables


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of a table in Markdown, with its titles first."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in (lines[0], *lines[2:])]


def narrow(rows: list[list[str]], limit: int = COLUMNS) -> list[list[list[str]]]:
    """Tables of at most `limit` columns. Each has the first column and a part of the others."""
    parts = -(-(len(rows[0]) - 1) // (limit - 1))
    size = -(-(len(rows[0]) - 1) // parts)
    return [[[row[0], *row[i : i + size]] for row in rows] for i in range(1, len(rows[0]), size)]


def markdown_of(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def rst_of(rows: Sequence[Sequence[str]], widths: str = "auto") -> str:
    """A table in reStructuredText."""
    lines = [".. list-table::", "    :header-rows: 1", f"    :widths: {widths}", ""]
    for row in rows:
        for position, cell in enumerate(row):
            mark = "* -" if position == 0 else "  -"
            lines.append(f"    {mark} {_cell(cell)}".rstrip())
    return "\n".join([*lines, ""])


def _cell(text):
    return unbroken(docstrings.inline(text).replace("\\*\\*", "**"))


def unbroken(text: str) -> str:
    """A mean and its interval stay on one line."""
    return text.replace(" ± ", "\u00a0±\u00a0")


def tables_of(family: str, module: str | None = None) -> list[str]:
    """The tables of a family of scores, in Markdown; with a module only its rows."""
    kept = scores.newest(family)
    found = []
    for table in scores.tables(family):
        rows = [row for row in table.rows if module in (None, row.module)]
        text = Table(table.columns, rows).text(kept) if rows else ""
        if text:
            found.append(text)
    return found


def expand(source: str) -> str:
    """Replaces lines such as `<!-- table: dqn_scores 0 -->` by tables of what was measured.

    The words after "table:" are a family of scores and the number of the table; "join N" makes
    one column of the first N. With "speed:" they are a name in `docs.measurements.SPEED`.
    """

    def table(match):
        family, number, *join = match[1].split()
        rows = rows_of(scores.texts(family)[int(number)])
        count = int(join[1]) if join else 1
        rows = [[", ".join(row[:count]), *row[count:]] for row in rows]
        return unbroken("\n\n".join(markdown_of(part) for part in narrow(rows)))

    source = re.sub(r"^<!-- table: (.+) -->$", table, source, flags=re.MULTILINE)
    return re.sub(r"^<!-- speed: (\w+) -->$", lambda match: markdown_of(SPEED[match[1]]()), source, flags=re.MULTILINE)


# Pages


def heading(text: str, mark: str = "=") -> str:
    """A heading in reStructuredText."""
    return f"{text}\n{mark * len(text)}\n"


def toctree(names: Iterable[str], caption: str = "") -> str:
    """A table of contents that only the sidebar shows."""
    title = f"    :caption: {caption}\n" if caption else ""
    return f".. toctree::\n    :hidden:\n{title}\n" + "\n".join(f"    {name}" for name in names) + "\n"


def field_texts(kind: type) -> dict[str, str]:
    """{field of a dataclass: the string after it, from the class or one that it inherits from}."""
    found: dict[str, str] = {}
    for parent in kind.__mro__:
        if not dataclasses.is_dataclass(parent):
            continue
        (tree,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(parent))).body
        for field, after in zip(tree.body, tree.body[1:]):  # type: ignore[attr-defined]
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found.setdefault(field.target.id, " ".join(after.value.value.split()))  # type: ignore[union-attr]
    return found


def settings_table(
    kind: type, shown: Callable[[str], str], without: Iterable[str] = (), value: Callable[[Any], str] = repr
) -> str:
    """Name, default and meaning of each field of a dataclass."""
    texts = field_texts(kind)
    rows = [["setting", "default", "meaning"]]
    for field in dataclasses.fields(kind):
        if field.name not in without:
            default = field.default_factory() if callable(field.default_factory) else field.default
            rows.append(
                [
                    f"`{shown(field.name)}`",
                    f"`{value(default)}`" if value(default) else "empty",
                    texts.get(field.name, "") + _choices(kind, field.name),
                ]
            )
    return rst_of(rows, "32 14 54")


def as_flag(value: Any) -> str:
    """A default as it is written on a command line."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _choices(kind, name):
    hint = typing.get_type_hints(kind)[name]
    return f" One of {', '.join(map(str, typing.get_args(hint)))}." if typing.get_origin(hint) is typing.Literal else ""


def experiment_pages() -> Iterable[tuple[str, str]]:
    """(name, text) of the page of each experiment, and their index by topic."""
    entries = {}
    for path in sorted((ROOT / "experiments").glob("[!_]*.py")):
        entries.setdefault(topic(path), []).append(path)
        yield path.stem, experiment_page(path)
    lines = [heading("Experiments")]
    lines += ["Each experiment is a command. ``python -m experiments`` lists them all.", "Every run is tracked.", ""]
    order = [*getattr(importlib.import_module("experiments.__main__"), "TOPICS", {}).values()]
    for name, paths in sorted(entries.items(), key=lambda entry: order.index(entry[0]) if entry[0] in order else len(order)):
        lines += [heading(name, "-")]
        lines += [f":doc:`{path.stem}`\n    {docstrings.inline(About.of_file(path).summary)}" for path in paths]
        lines += ["", toctree((path.stem for path in paths), name)]
    yield "index", "\n".join(lines)


def topic(path: Path) -> str:
    """What an experiment is about, as the menu says it."""
    menu = importlib.import_module("experiments.__main__")
    source = path.read_text()
    about = dict(re.findall(r"^(Topic): (.+)$", source, re.MULTILINE))
    return about.get("Topic") or (menu.topic(path.stem, ast.parse(source)) if hasattr(menu, "topic") else "All experiments")


def experiment_page(path: Path) -> str:
    """The page of an experiment."""
    module = importlib.import_module(f"experiments.{path.stem}")
    text = inspect.getdoc(module) or ""
    summary, _, rest = text.partition("\n")
    facts = re.findall(r"^(Expected|Time|Source|Topic): (.+(?:\n(?! *\n|Expected|Time|Source|Topic).+)*)", rest, re.MULTILINE)
    for name, fact in facts:
        rest = rest.replace(f"{name}: {fact}", "")
    lines = [heading(path.stem), docstrings.inline(summary), "", "::", "", f"    python -m experiments.{path.stem}", ""]
    lines += [f":{name}: {docstrings.inline(' '.join(fact.split()))}" for name, fact in facts if name != "Topic"]
    lines += ["", docstrings.of_text(rest), ""]
    tables = [rows for family in scores.FAMILIES for rows in map(rows_of, tables_of(family, path.stem))]
    if tables:
        lines += [heading("Measured", "-"), "± is the half of a 95 % interval over seeds. See :doc:`/results/index`.", ""]
        lines += [rst_of(part) for rows in tables for part in narrow(rows)]
    lines += [heading("Settings", "-"), "Each setting is a flag. The flags of every experiment are in :doc:`/runs`.", ""]
    lines += [settings_table(module.Config, lambda name: "--" + name.replace("_", "-"), value=as_flag)]
    return "\n".join(lines)


def algorithm_pages() -> Iterable[tuple[str, str]]:
    """(name, text) of the page of each deep algorithm, and their index."""
    not_here = importlib.import_module("lab.agents.for_env").NOT_HERE
    lines = [heading("Algorithms"), "Each page has the equations, the differences from the paper and the settings.", ""]
    lines += [heading("Deep reinforcement learning", "-")]
    for name, title in DEEP.items():
        lines += [f":doc:`{name.lower()}`\n    {title}."]
        yield name.lower(), algorithm_page(name, not_here)
    lines += ["", heading("Other families", "-")]
    others = {
        "tabular": "Dynamic programming, Monte Carlo, temporal differences, planning.",
        "gans": "Objectives, penalties and players of GANs.",
        "supervised": "Training, and families of networks.",
        "memory": "Neural Turing Machines, differentiable neural computers, memory-augmented networks, attention.",
        "vision": "Detection and segmentation.",
        "translation": "Style transfer, textures, pix2pix, CycleGAN.",
        "components": "Layers, losses, optimizers, distributions.",
    }
    lines += [f":doc:`/{name}`\n    {text}" for name, text in others.items()]
    lines += ["", toctree([name.lower() for name in DEEP]), toctree([f"/{name}" for name in others])]
    yield "index", "\n".join(lines)


def algorithm_page(name: str, without: Iterable[str]) -> str:
    """The page of a deep algorithm."""
    module = f"lab.agents.{MODULES.get(name, name.lower())}"
    example = "algorithms_box" if name in BOX else "algorithms_discrete"
    code = (DOCS / "examples" / f"{example}.py").read_text().replace("ALGORITHM", name)
    lines = [heading(f"{name}: {DEEP[name][0].lower() + DEEP[name][1:]}" if DEEP[name] != name else name)]
    lines += [docstrings.of_text(inspect.getdoc(importlib.import_module(module)) or ""), ""]
    lines += [heading("In a script", "-"), ".. code-block:: python", ""]
    lines += [*(f"    {line}".rstrip() for line in code.splitlines()), ""]
    lines += [heading("Settings", "-"), "They are arguments of ``for_env``. The experiments have them as flags.", ""]
    lines += [settings_table(getattr(settings, name), str, without)]
    lines += [heading("The class", "-"), "``for_env`` makes one. Whoever has the parts can make it, too.", ""]
    lines += [f".. autoclass:: lab.agents.{name}", "    :members:", ""]
    return "\n".join(lines)


def public_names(package: str) -> list[str]:
    """The public names of a package or module, in the order in which it lists them."""
    module = importlib.import_module(package)
    stub = Path(str(module.__file__)).with_suffix(".pyi")
    source = stub if stub.exists() else Path(str(module.__file__))
    tree = ast.parse(source.read_text())
    names = [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names if alias.asname]
    if not names and hasattr(module, "__all__"):
        names = list(module.__all__)
    if not names:
        kinds = (ast.FunctionDef, ast.ClassDef)
        names = [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return names


def api_pages() -> Iterable[tuple[str, str]]:
    """(name, text) of a page for each package, and their index."""
    lines = [heading("API"), "The public names of each package. Whatever is not here may change.", ""]
    for package, what in PACKAGES.items():
        lines += [f":doc:`{package}`\n    {what}"]
        yield package, api_page(package)
    lines += ["", toctree(PACKAGES)]
    yield "index", "\n".join(lines)


def api_page(package: str) -> str:
    """The page of a package: a line for each public name, then each in full."""
    module = importlib.import_module(package)
    lines = [heading(package), docstrings.of_text(inspect.getdoc(module) or ""), ""]
    shown: list[str] = []
    for name in sorted(public_names(package), key=str.lower):
        thing = getattr(module, name)
        if inspect.ismodule(thing) or getattr(thing, "__module__", "lab").split(".")[0] not in ("lab", "builtins"):
            continue
        full = f"{package}.{name}"
        if package == "lab.agents" and name in DEEP:
            lines.append(f":doc:`{name} </algorithms/{name.lower()}>`\n    {DEEP[name]}.")
            continue
        first = (inspect.getdoc(thing) or "").partition("\n")[0] if callable(thing) else "A constant."
        lines.append(f":py:obj:`{name} <{full}>`\n    {docstrings.inline(first)}")
        shown += [*_entry(full, thing), ""]
    return "\n".join([*lines, "", *shown])


def _entry(full, thing: Any):
    if inspect.isclass(thing):
        return [f".. autoclass:: {full}", "    :members:", f"    :exclude-members: {HIDDEN}"]
    return [f".. autofunction:: {full}"] if callable(thing) else [f".. autodata:: {full}", "    :no-value:"]
