"""The menu of experiments: those of this checkout and of packages that a user has installed.

A package of a user's own is listed if its distribution declares the entry point group

    [project.entry-points."keras_rl_gan_lab.experiments"]
    mine = "mypackage.experiments"

whose value is a package. Each of its modules that calls `experiment.main` is an experiment. Files
are read, nothing is imported.
"""

import ast
import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lab import validation
from lab.runs import command_line
from lab.runs.about import About
from lab.runs.origin import calls_main
from lab.runs.paths import find_module

GROUP = "keras_rl_gan_lab.experiments"


class Entry(NamedTuple):
    """A line of the menu."""

    module: str  # "experiments.dqn_cartpole"
    topic: str
    about: About


def entries(package: str, topic: Callable[[str, ast.Module], str] = lambda name, tree: "") -> list[Entry]:
    """The experiments among the modules of a package, which is not imported.

    Args:
        topic: function (name, syntax tree of a module) -> its topic, for modules that have no
            `Topic:` in their docstring. "" is the package.

    Raises:
        ValueError: the package cannot be found.
    """
    place = find_module(package)
    if place is None or place.name != "__init__.py":
        raise ValueError(f"entry point of {GROUP}: expected a package that can be found, received {package!r}")
    found = []
    for path in sorted(place.parent.glob("[!_]*.py")):
        tree = _tree(path)
        if tree is not None and calls_main(tree):
            about = About.parse(ast.get_docstring(tree) or "-")
            found.append(Entry(f"{package}.{path.stem}", about.topic or topic(path.stem, tree) or package, about))
    return found


def _tree(path):
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):  # someone is editing it
        return None


def of_others() -> tuple[list[Entry], list[str]]:
    """(experiments of the packages that declare the entry point, a complaint for each bad one)."""
    found: list[Entry] = []
    complaints = []
    for package in sorted({point.value for point in importlib.metadata.entry_points(group=GROUP)}):
        try:
            found += entries(package)
        except ValueError as error:
            complaints.append(str(error))
    return found, complaints


def text(found: Iterable[Entry], own: str, word: str = "", width: int | None = None) -> str:
    """The menu: a heading for each topic, a line for each experiment, and how to start one.

    Args:
        own: the package whose modules are named without it.
        word: lists only experiments with it in their name, topic or summary.
        width: characters of a line, after which summaries are cut off. By default of the terminal.

    Raises:
        ValueError: there is no such experiment.
    """
    chosen = [each for each in found if word.lower() in f"{each.module} {each.topic} {each.about.summary}".lower()]
    if not chosen:
        raise ValueError(
            f"word: expected one in the name, topic or summary of an experiment, received {validation.shown(word)}"
        )
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    lines = []
    for topic in dict.fromkeys(each.topic for each in chosen):
        rows = [(each.module.removeprefix(f"{own}."), each.about.summary) for each in chosen if each.topic == topic]
        longest = max(len(name) for name, _ in rows)
        lines += [topic, *(_cut(f"  {name:<{longest}}  {summary}", max(width, longest + 20)) for name, summary in rows), ""]
    if len(chosen) == 1:
        about = chosen[0].about
        lines += [f"expected: {about.expected or '-'}", f"time: {about.time or '-'}"]
    name = chosen[0].module if len(chosen) == 1 else f"{own}.NAME"
    return "\n".join([*lines, f"python -m {name} --help"])


def _cut(line, width):
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def word_of(argv: Sequence[str]) -> str:
    """The word of a command line `python -m experiments [WORD]`, or "".

    Raises:
        ValueError: there are several words or a flag.
    """
    words = [each for each in argv if each not in command_line.HELP]
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise ValueError(f"word: expected at most one word and no flags, received {validation.shown(' '.join(words))}")
    return words[0] if words else ""
