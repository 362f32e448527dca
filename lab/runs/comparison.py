"""The comparison of groups of runs: `lab.runs.compare`, and what it finds.

The statistics are those of `lab.runs.statistics`. The interval of a mean over the runs of one task
is Student's, all other intervals are of the stratified bootstrap.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from lab.runs import compared_runs, compared_scores, statistics
from lab.runs.bands import Points
from lab.runs.compared_runs import Group
from lab.runs.compared_scores import Choices
from lab.runs.files import write_csv
from lab.runs.intervals import half_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all tasks, normalised"
TAUS = 101  # of a performance profile
NAN = math.nan
Form: TypeAlias = Literal["text", "markdown", "latex"]  # of a table


class Row(NamedTuple):
    """A statistic of a group."""

    group: str
    task: str  # or `ALL`
    statistic: str
    at: float | None  # the threshold, or tau of a profile
    value: float
    low: float = NAN  # of the 95 % interval
    high: float = NAN
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    choices: Choices
    metric: str
    minimize: bool  # less is better
    groups: list[Group]
    tasks: list[str]
    scores: dict[str, dict[str, list[float]]]  # {label: {task: of each run}}
    normalized: dict[str, dict[str, list[float]]]  # the same, empty for one task without references
    references: Mapping[str, tuple[float, float]]  # {task: (counts 0, counts 1)}
    curve: str  # name of the metric, or ""
    curves: dict[str, dict[str, list[Points]]]  # {label: {task: of each finished run}}
    thresholds: Mapping[str, float]  # {task: threshold of the curve}
    rows: list[Row] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def row(self, group: str, statistic: str, task: str = "") -> Row:
        """The row of a statistic, by default of the first task."""
        wanted = (group, statistic, task or self.tasks[0])
        return next(row for row in self.rows if (row.group, row.statistic, row.task) == wanted)

    def table(self, form: Form = "text", width: int = 100) -> str:
        """The statistics as tables.

        Args:
            width: of a text, in columns. A table that is wider becomes a block for each group.
        """
        from lab.runs import comparison_report

        return comparison_report.report(self, form, width)

    def figure(self) -> "Figure":
        """Learning curves with 95 % bands, performance profiles, and interquartile means."""
        from lab.runs import comparison_figure

        return comparison_figure.draw(self)

    def to_csv(self, path: str | Path) -> None:
        """Writes all statistics, a line each, the points of the profiles included."""
        rows = (["" if each is None or each != each else each for each in row] for row in self.rows)
        write_csv(Path(path), Row._fields, rows)

    def runs_to_csv(self, path: str | Path) -> None:
        """Writes the runs that count, a line each, with their scores."""
        rows = [
            [group.label, task, run.name, run.seed, run.status, score]
            for group in self.groups
            for task, scores in self.scores[group.label].items()
            for run, score in zip([run for run in group.runs if run.task == task], scores)
        ]
        write_csv(Path(path), ["group", "task", "run", "seed", "status", self.metric], rows)

    def metrics(self) -> dict[str, float]:
        """The interquartile means as metrics of a run, {name: value}."""
        from lab.runs.events import NOT_IN_NAMES

        task = ALL if self.normalized else self.tasks[0]
        found = {group.label: self.row(group.label, "interquartile mean", task) for group in self.groups}
        return {f"interquartile_mean {NOT_IN_NAMES.sub('_', label)}"[:250]: row.value for label, row in found.items()}


def compare(*groups: str, **choices: Any) -> Comparison:
    """Compares groups of runs.

        found = lab.runs.compare("ppo_cartpole", "dqn_cartpole", failed="worst")
        print(found.table())
        found.figure()

    Args:
        groups: names of runs or experiments, MLflow run ids, or searches; see
            `lab.runs.compared_runs.RULES`. The first one is compared with each of the others.
        choices: the fields of `lab.runs.compared_scores.Choices`.

    Raises:
        ValueError: a group means nothing, or the runs cannot be compared. One line.
    """
    return of_choices(groups, Choices(**choices))


def of_choices(arguments: Sequence[str], choices: Choices) -> Comparison:
    """Compares the groups that the arguments mean."""
    groups = compared_runs.find(arguments, choices.tracking_uri)
    for run in (run for group in groups for run in group.runs if choices.task):
        run.task = choices.task
    tasks = compared_scores.tasks(groups)
    metric, minimize = compared_scores.metric(groups, choices)
    scores = compared_scores.values(groups, metric, minimize, choices)
    references = compared_scores.references(groups, tasks, metric, minimize, choices)
    curve, points = compared_scores.curves(groups, metric, choices)
    normalized = {
        label: {task: [(score - low) / (high - low) for score in each[task]] for task, (low, high) in references.items()}
        for label, each in (scores if references else {}).items()
    }
    curves = {
        group.label: {task: [points[run] for run in group.runs if run.task == task and run in points] for task in tasks}
        for group in groups
    }
    thresholds = compared_scores.thresholds(groups, tasks, metric, curve, choices)
    what = (choices, metric, minimize, groups, tasks, scores, normalized, references, curve, curves, thresholds)
    found = Comparison(*what)
    for group in groups:
        found.rows.extend(row for task in tasks for row in _of_task(found, group, task))
        found.rows.extend(_of_all(found, group))
    found.rows.extend(_improvements(found))
    found.rows.extend(_profiles(found))
    found.notes.extend(_notes(found))
    return found


def _of_task(found, group, task):
    """The rows of a group's runs of one task."""
    scores, runs = found.scores[group.label][task], [run for run in group.runs if run.task == task]

    def row(statistic, value, low=NAN, high=NAN, at=None, note=""):
        return Row(group.label, task, statistic, at, float(value), float(low), float(high), note)

    yield row("seeds", len(scores))
    yield row("mean", *_student(scores))
    options = {"replications": found.choices.replications, "seed": found.choices.seed}
    yield row("interquartile mean", *statistics.bootstrap(statistics.interquartile_mean, [scores], **options))
    if task in found.thresholds:
        steps = [_steps_to(points, found.thresholds[task], found.minimize) for points in found.curves[group.label][task]]
        steps += [math.inf] * (len(runs) - len(steps))  # a failed run never reaches it
        reached = f"{sum(map(math.isfinite, steps))} of {len(steps)}"
        yield row("steps to the threshold", _middle(steps), at=found.thresholds[task], note=reached)
    seconds = [run.seconds for run in runs if run.status == "FINISHED" and math.isfinite(run.seconds)]
    if seconds:
        yield row("wall time in seconds", *_student(seconds))


def _student(values):
    mean = sum(values) / len(values)
    half = float(half_width(values)) if len(values) > 1 else NAN
    return mean, mean - half, mean + half


def _steps_to(points, threshold, minimize):
    """The first step at which a curve has reached the threshold, infinity if it never does."""
    reached = (step for step, value in points if (value <= threshold if minimize else value >= threshold))
    return next(reached, math.inf)


def _middle(steps):
    """The median. Infinity where half of the runs or more never reach the threshold."""
    ordered, half = sorted(steps), len(steps) // 2
    return ordered[half] if len(steps) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _of_all(found, group):
    """The rows of a group's normalised scores, over all tasks."""
    if not found.normalized:
        return
    scores = [*found.normalized[group.label].values()]
    options = {"replications": found.choices.replications, "seed": found.choices.seed}
    for name in ("interquartile_mean", "median", "mean", "optimality_gap"):
        estimate = statistics.bootstrap(getattr(statistics, name), scores, **options)
        yield Row(group.label, ALL, name.replace("_", " "), None, *estimate.numbers())


def _oriented(found: Comparison, label: str) -> list[list[float]]:
    """The scores of a group, for each task, so that more is better."""
    sign = -1 if found.minimize and not found.normalized else 1
    return [[sign * each for each in scores] for scores in (found.normalized or found.scores)[label].values()]


def _improvements(found):
    """The probability that the first group is better than each other group."""
    first, *others = found.groups
    options = {"replications": found.choices.replications, "seed": found.choices.seed}
    for other in others:
        if _is_single(found, first.label) or _is_single(found, other.label):
            continue
        estimate = statistics.improvement(_oriented(found, first.label), _oriented(found, other.label), **options)
        yield Row(first.label, _scope(found), "probability of improvement", None, *estimate.numbers(), other.label)


def _profiles(found):
    scores = {group.label: _oriented(found, group.label) for group in found.groups}
    all_scores = np.concatenate([np.concatenate(each) for each in scores.values()])
    least, greatest = all_scores.min(), all_scores.max()
    margin = 0.05 * (greatest - least) or 0.5
    taus = np.linspace(least - margin, greatest + margin, TAUS)
    sign = -1 if found.minimize and not found.normalized else 1
    for label, each in scores.items():
        estimate = statistics.profile(each, taus, seed=found.choices.seed)
        for tau, value, low, high in zip(sign * taus, *estimate):
            yield Row(label, _scope(found), "performance profile", float(tau), float(value), float(low), float(high))


def _scope(found):
    return ALL if found.normalized else found.tasks[0]


def _is_single(found, label):
    """Whether a group has a task with one run, so that nothing is known of the spread."""
    return any(len(scores) == 1 for scores in found.scores[label].values())


def _notes(found):
    """What a reader has to know."""
    yield from dict.fromkeys(note for group in found.groups for note in group.notes)
    if single := [group.label for group in found.groups if _is_single(found, group.label)]:
        left = "no interval of a mean or of an interquartile mean, no probability of improvement, no bands"
        yield f"one seed: {left}: {', '.join(single)}"
    if not found.curve:
        yield "no metric was logged more than once by all runs: no curves and no steps to a threshold; see --curve"
