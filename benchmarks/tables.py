"""Tables of scores: rows, which are measured, and columns, which show something of a row's runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.one_run import digest
from benchmarks.three_ways import TENSORFLOW
from lab.runs import intervals, statistics

NOTHING = "–"
Run = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A row of a table: whole runs of an experiment, one for each seed and way."""

    name: str
    """What its runs are kept under."""
    flags: str = ""
    """The experiment's flags."""
    experiment: str = ""
    """A module of `experiments`; by default the name's first word."""
    seeds: int = 5
    """How many seeds are measured, from 0."""
    ways: tuple[str, ...] = (TENSORFLOW,)
    """Ways in which each seed is measured; see `benchmarks/three_ways.py`."""
    elsewhere: tuple[str, ...] = ()
    """Further ways whose runs count, which something else measures."""
    compared: Mapping[str, float | None] = field(default_factory=dict)
    """Scores of others, which stand beside those of the runs."""
    measure: Callable[[int], Run] | None = None
    """Measures a seed, in place of an experiment."""
    cells: tuple[str, ...] = ()
    """The cells of a row that others have published and that is not measured."""

    @property
    def module(self) -> str:
        """The experiment's name."""
        return self.experiment or self.name.split()[0]

    def digest(self) -> str | None:
        """A digest of the settings of its runs; None of a row without an experiment."""
        return None if self.measure else digest(self.module, self.flags.split())

    def of_ways(self, runs: Sequence[Run], *ways: str) -> list[Run]:
        """Those of its runs that count for these ways. An older run names no way."""
        return [run for run in runs if run.get("way", TENSORFLOW) in (*ways, *self.elsewhere)]


def interval(values: np.typing.ArrayLike, digits: int) -> str:
    """Mean ± 95 % Student interval, as text. One value has no interval."""
    spread = f" ± {intervals.half_width(values):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


Cell = Callable[[Row, list[Run]], str]


@dataclass(frozen=True)
class Table:
    """A table in Markdown."""

    columns: Sequence[tuple[str, Cell]]
    """Titles, each with a function of a row and its runs that gives a cell's text."""
    rows: Sequence[Row]

    def text(self, kept: Mapping[str, Sequence[Run]]) -> str:
        """The table of {name of a row: runs}; empty where no row has any."""
        lines = []
        for row in self.rows:
            runs = row.of_ways(kept.get(row.name, ()), *row.ways)
            if row.cells or runs:
                lines.append(row.cells or [cell(row, runs) for _, cell in self.columns])
        if not any(row.name in kept for row in self.rows):
            return ""
        lines = [[title for title, _ in self.columns], *lines]
        lines = [f"| {' | '.join(cells)} |" for cells in lines]
        return "\n".join([lines[0], "|" + "---|" * len(self.columns), *lines[1:]])


def name(form: str = "{}") -> Cell:
    """A cell with the row's name."""
    return lambda row, runs: form.format(row.name)


def mean(result: str, digits: int, form: str = "{}", *, factor: float = 1, way: str | None = None, equal: bool = False) -> Cell:
    """A cell with mean ± 95 % interval of a result.

    Args:
        result: its name in a run.
        digits: after the point.
        form: what stands around it.
        factor: of all values; 100 for per cent.
        way: the only way whose runs count.
        equal: show no interval where all values are equal, as numbers of weights are.
    """

    def cell(row, runs):
        values = [run[result] for run in (row.of_ways(runs, way) if way else runs) if result in run]
        if equal and len(set(values)) == 1:
            values = values[:1]
        return form.format(interval(factor * np.array(values), digits)) if values else NOTHING

    return cell


def means(digits: Mapping[str, int], *, equal: bool = False) -> list[tuple[str, Cell]]:
    """For each of {result: digits} a column of `mean` with the result's name."""
    titles = [result.replace("_", " ").replace("frechet", "Fréchet") for result in digits]
    return [(title, mean(result, digits[result], equal=equal)) for title, result in zip(titles, digits)]


def middle(result: str, digits: int) -> Cell:
    """A cell with the interquartile mean of a result and its bootstrap interval over seeds."""

    def cell(row, runs):
        values = np.array([run[result] for run in runs])
        value, low, high = statistics.bootstrap(statistics.interquartile_mean, [values]).numbers()
        text = f"{value:.{digits}f}"
        if values.std() == 0:
            return text
        # Rounded twice: else the last bit of a sum decides a tie.
        low, high = (round(limit, digits + 1) for limit in (low, high))
        return f"{text} ({low:.{digits}f} to {high:.{digits}f})"

    return cell


def worst(result: str, digits: int, *, factor: float = 1) -> Cell:
    """A cell with the smallest value of a result."""
    return lambda row, runs: f"{factor * min(run[result] for run in runs):.{digits}f}"


def compared(other: str, form: str) -> Cell:
    """A cell with the score of another."""
    return lambda row, runs: NOTHING if row.compared[other] is None else format(row.compared[other], form)


def minutes(digits: int) -> Cell:
    """A cell with the minutes of the fastest run."""

    def cell(row, runs):
        found = [run["minutes"] for run in runs if "minutes" in run]
        return f"{min(found):.{digits}f}" if found else NOTHING

    return cell


def samples_seen(row: Row, runs: list[Run]) -> str:
    """The millions of samples that a run saw."""
    return f"{runs[0]['samples_seen'] / 1e6:.1f} million" if "samples_seen" in runs[0] else NOTHING


def seeds(row: Row, runs: list[Run]) -> str:
    """The number of seeds; several numbers where ways differ."""
    counts = [len(row.of_ways(runs, way)) for way in row.ways]
    return ", ".join(dict.fromkeys(str(count) for count in counts if count))


def of_experiments(
    experiments: Mapping[str, tuple[Mapping[str, str], Mapping[str, int]]],
    ways: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Table]:
    """A table for each of {experiment: ({variant: flags}, {result: digits})}.

    `ways` are those of an experiment that is not measured on TensorFlow.
    """

    def variant(row, runs):
        return row.name.removeprefix(row.module).strip() or "default settings"

    return [
        Table(
            [(experiment, variant), *means(digits, equal=True), ("minutes", minutes(1)), ("seeds", seeds)],
            [
                Row(f"{experiment} {name}".strip(), flags, ways=(ways or {}).get(experiment, (TENSORFLOW,)))
                for name, flags in variants.items()
            ],
        )
        for experiment, (variants, digits) in experiments.items()
    ]
