"""The tables of a comparison, as text, Markdown or LaTeX."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lab.runs.comparison import Comparison

NOTHING = "–"
UNITS = ((3600, "h"), (60, "min"), (1, "s"))
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "–": "--",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
} | {each: f"\\{each}" for each in "&%$#_{}"}


class Table(NamedTuple):
    """A table. The first column names the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def report(found: "Comparison", form: str = "text", width: int = 100) -> str:
    """All tables and notes, each after an empty line."""
    tables = [*_tables(found)]
    if form == "markdown":
        parts = [markdown(table) for table in tables] + [f"- {_markdown(note)}" for note in found.notes]
        return "\n\n".join([_markdown(_heading(found)), *parts]) + "\n"
    if form == "latex":
        comments = [f"% {line}" for line in (_heading(found), *found.notes)]
        return "\n\n".join(["% \\usepackage{booktabs}", *comments, *(latex(table) for table in tables)]) + "\n"
    notes = [textwrap.fill(note, width, subsequent_indent="  ", break_on_hyphens=False) for note in found.notes]
    parts = [textwrap.fill(_heading(found), width), *(text(table, width) for table in tables), "\n".join(notes)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(found):
    better = "lower" if found.minimize else "higher"
    return (
        f"{found.metric}, {better} is better. Intervals of 95 %: of the mean and the wall time Student's (±), "
        f"others of a stratified bootstrap with {found.choices.replications:,} replications."
    )


def _tables(found):
    for task in found.tasks:
        yield _of_task(found, task)
    if found.normalized:
        yield _normalized(found)
    if improvements := [row for row in found.rows if row.statistic == "probability of improvement"]:
        rows = [[f"{row.group} over {row.note}", _interval(row)] for row in improvements]
        yield Table("Probability of improvement, ties counted half", ["", "probability"], rows)


def _of_task(found, task):
    steps = task in found.thresholds
    columns = ["", "seeds", "mean", "interquartile mean", *["steps"] * steps, "wall time"]
    rows = []
    for group in found.groups:
        of_group = {row.statistic: row for row in found.rows if (row.group, row.task) == (group.label, task)}
        cells = [group.label, f"{of_group['seeds'].value:.0f}", _plus_minus(of_group["mean"])]
        cells.append(_interval(of_group["interquartile mean"]))
        if steps:
            row = of_group["steps to the threshold"]
            cells.append(f"{f'{row.value:,.0f}' if math.isfinite(row.value) else NOTHING} ({row.note})")
        wall = of_group.get("wall time in seconds")
        rows.append([*cells, _duration(wall) if wall else NOTHING])
    sign = "≤" if found.minimize else "≥"
    said = f"; median steps to {found.curve} {sign} {number(found.thresholds[task])} (seeds that reach it)" if steps else ""
    return Table(f"{task}{said}", columns, rows)


def _normalized(found):
    names = ["interquartile mean", "median", "mean", "optimality gap"]
    rows = []
    for group in found.groups:
        of_group = {row.statistic: row for row in found.rows if row.group == group.label and row.task not in found.tasks}
        rows.append([group.label, *(_interval(of_group[name]) for name in names)])
    scales = ", ".join(
        f"{task}: {number(low)} counts 0, {number(high)} counts 1" for task, (low, high) in found.references.items()
    )
    return Table(f"All tasks, normalised ({scales})", ["", *names], rows)


def number(value: float) -> str:
    """A number with four significant digits, and no power of ten where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _plus_minus(row):
    half = (row.high - row.low) / 2
    digits = _decimals(half)
    return number(row.value) if digits is None else f"{row.value:,.{digits}f} ± {half:,.{digits}f}"


def _interval(row):
    digits = _decimals(row.high - row.low)
    value = number(row.value) if digits is None else f"{row.value:,.{digits}f}"
    low, high = (number(end) if digits is None else f"{end:,.{digits}f}" for end in (row.low, row.high))
    return value if math.isnan(row.low) else f"{value} ({low} to {high})"


def _decimals(size):
    """How many decimals show two digits of an interval's size. None where there is no size."""
    return max(0, 1 - math.floor(math.log10(size))) if size > 0 else None


def _duration(row):
    size, unit = next((each for each in UNITS if row.value >= each[0]), UNITS[-1])
    half = (row.high - row.low) / 2 / size
    digits = min(_decimals(half) or 0, 1) if half > 0 else 0 if row.value / size >= 10 else 1
    return f"{row.value / size:.{digits}f}{f' ± {half:.{digits}f}' if half > 0 else ''} {unit}"


def text(table: Table, width: int) -> str:
    """A table in columns. If it is wider than `width`, a block for each row instead."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    title = textwrap.fill(table.title, width, break_on_hyphens=False)
    if sum(widths) + 2 * (len(widths) - 1) <= width:
        aligned = [
            "  ".join(
                cell.ljust(size) if place == 0 else cell.rjust(size) for place, (cell, size) in enumerate(zip(line, widths))
            )
            for line in lines
        ]
        return "\n".join([title, *(line.rstrip() for line in aligned)])
    blocks = [title]
    size = max(map(len, table.columns)) + 2
    for name, *cells in table.rows:
        blocks += textwrap.wrap(name, width)
        blocks += [f"  {column.ljust(size)}{cell}" for column, cell in zip(table.columns[1:], cells)]
    return "\n".join(blocks)


def markdown(table: Table) -> str:
    """A table in Markdown, under its title."""
    lines = [f"| {' | '.join(map(_markdown, line))} |" for line in (table.columns, *table.rows)]
    rule = "|---|" + "---:|" * (len(table.columns) - 1)
    return "\n".join([f"{_markdown(table.title)}:", "", lines[0], rule, *lines[1:]])


def _markdown(words):
    return words.replace("\\", "\\\\").replace("|", "\\|").replace("_", "\\_").replace("*", "\\*").replace("<", "\\<")


def latex(table: Table) -> str:
    """A table for the package booktabs."""
    lines = [" & ".join(map(_latex, line)) + r" \\" for line in (table.columns, *table.rows)]
    body = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
    columns = "l" + "r" * (len(table.columns) - 1)
    parts = [rf"\caption{{{_latex(table.title)}}}", rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"]
    return "\n".join([r"\begin{table}", r"\centering", *parts, r"\end{table}"])


def _latex(words):
    return "".join(LATEX.get(each, each) for each in words)
