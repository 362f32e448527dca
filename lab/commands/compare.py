"""`python -m lab compare`: compares groups of runs, and keeps the comparison as a run."""

import contextlib
import dataclasses
import shutil
import sys
from collections.abc import Sequence

from lab.runs import command_line, compared_runs, comparison, mlflow_server
from lab.runs.compared_scores import Choices
from lab.runs.comparison import Comparison, Form
from lab.runs.run_folder import RunFolder

FIRST = f"""Compares groups of runs. Prints a table, and keeps it with its data and a figure as a run.

{compared_runs.RULES}

With several groups, the first is compared with each of the others."""
FILES: dict[Form, str] = {"text": "comparison.txt", "markdown": "comparison.md", "latex": "comparison.tex"}


@dataclasses.dataclass(frozen=True)
class Output:
    """The form of the table."""

    markdown: bool = False
    """Print the table in Markdown."""
    latex: bool = False
    """Print the table in LaTeX, for the package booktabs."""


def main(argv: Sequence[str]) -> int:
    """Compares runs."""
    count = next((place for place, word in enumerate(argv) if word.startswith("-")), len(argv))
    arguments, rest = argv[:count], argv[count:]
    choices, output = command_line.parse("python -m lab compare GROUP ...", FIRST, rest, Choices(), Output())
    mlflow_server.resolve_uri(choices.tracking_uri)
    found = comparison.of_choices(arguments, choices)
    shown: Form = "latex" if output.latex else "markdown" if output.markdown else "text"
    print(found.table(shown, max(shutil.get_terminal_size((100, 24)).columns, 60)))
    with contextlib.redirect_stdout(sys.stdout if shown == "text" else sys.stderr):  # a file gets the table alone
        keep(arguments, found)
    return 0


def keep(groups: Sequence[str], found: Comparison) -> None:
    """Keeps a comparison as a run of the kind "comparison", which is delivered to MLflow."""
    from lab.runs import header, lifecycle
    from lab.runs.paths import replacing

    chosen = dataclasses.replace(found.choices, metric=found.metric, curve=found.curve)
    settings = {"groups": list(groups), **dataclasses.asdict(chosen)}
    options = header.Options(seed=settings.pop("seed"), tracking_uri=settings.pop("tracking_uri"))
    folder = RunFolder.create(header.new_header("comparison", "", settings, 0, options) | {"kind": "comparison"})
    with lifecycle.recorded(folder) as run:
        for form, name in FILES.items():
            with replacing(run.artifacts / name) as path:
                path.write_text(found.table(form), encoding="utf-8")
            run.artifact(name)
        found.to_csv(run.artifacts / "comparison.csv")
        run.artifact("comparison.csv")
        found.runs_to_csv(run.artifacts / "runs.csv")
        run.artifact("runs.csv")
        run.figure("comparison.png", found.figure(), dpi=120)
        run.finish(found.metrics())
