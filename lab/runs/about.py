"""What the docstring of an experiment says, and whether a result reaches what it expects.

The first line of the docstring says what the experiment shows. More lines are read from it:

    Expected: <result> >= <number> (...)    what a run with the default settings reaches
    Time: ...                               how long the experiment takes
    Algorithm: ...                          for the tag `algorithm`; optional
    Task: ...                               for the tag `task`; optional
    Topic: ...                              heading in the menu; optional

`Expected:` may have several conditions, joined by "and", or several lines.
"""

import ast
import re
from pathlib import Path
from typing import NamedTuple

LINE = re.compile(r"^(Expected|Time|Algorithm|Task|Topic):\s*(.+)$", re.MULTILINE)
CONDITION = re.compile(r"(?<!\S)([A-Za-z_][\w.:-]*) ((>=|<=) ([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))(?![\w.]*\w)")


NUMBER = r"([+-]?\d+(?:\.\d+)?(?:e-?\d+)?)"
REFERENCES = ("random", "optimal|optimum|best policy")


class Condition(NamedTuple):
    """A bound that a result must reach."""

    name: str  # of the result
    text: str  # ">= 475 (random policy 22)"
    sign: str  # ">=" or "<="
    bound: float

    def holds(self, value: float) -> bool:
        """Whether a value reaches the bound. NaN does not."""
        return value >= self.bound if self.sign == ">=" else value <= self.bound


class About(NamedTuple):
    """What the docstring of an experiment says."""

    summary: str
    expected: str  # "greedy_return >= 475 (random policy 22)", or ""
    time: str
    algorithm: str = ""
    task: str = ""
    topic: str = ""

    @classmethod
    def parse(cls, docstring: str) -> "About":
        """Reads the first line and the lines that begin with `Expected:` and the like."""
        found: dict[str, list[str]] = {}
        for name, text in LINE.findall(docstring):
            found.setdefault(name, []).append(text.strip())
        lines = {name.lower(): (" and " if name == "Expected" else " ").join(texts) for name, texts in found.items()}
        summary = (docstring.strip() or "-").splitlines()[0]
        return cls(summary, **{"expected": "", "time": ""} | lines)

    @classmethod
    def of_file(cls, path: Path) -> "About":
        """Reads the docstring of a module without an import."""
        return cls.parse(ast.get_docstring(ast.parse(Path(path).read_text(encoding="utf-8"))) or "-")


def conditions(expected: str) -> dict[str, Condition]:
    """The conditions of an `Expected:` line, {name of the result: condition}.

    What stands in parentheses is a comment and belongs to the condition before it.
    """
    plain = re.sub(r"\([^()]*\)", lambda comment: " " * len(comment[0]), expected)
    found = list(CONDITION.finditer(plain))
    ends = [each.start() for each in found[1:]] + [len(expected)]
    texts = [re.sub(r"(\s+and|[\s,;])+$", "", expected[each.start(2) : end]) for each, end in zip(found, ends)]
    return {each[1]: Condition(each[1], text, each[3], float(each[4])) for each, text in zip(found, texts)}


def reference_scores(expected: str) -> tuple[float, float] | None:
    """(score of a random policy, optimal score) in the comments of an `Expected:` line, or None.

    "(optimal 500, random policy 22)" has both.
    """
    random, best = (re.search(rf"\b(?:{words})(?: [a-z]+)* {NUMBER}(?= *[,;)]| within)", expected) for words in REFERENCES)
    return (float(random[1]), float(best[1])) if random and best else None
