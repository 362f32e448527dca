"""What a comparison counts: the metric, failed runs, thresholds, curves and reference scores."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from lab import validation
from lab.runs.about import conditions, reference_scores
from lab.runs.bands import RETURNS, Points
from lab.runs.compared_runs import Group, OneRun

FINAL_RETURN = "greedy_return"  # names of results that end so have the scale of the curves RETURNS


@dataclasses.dataclass(frozen=True)
class Choices:
    """How runs are compared: the flags of `python -m lab compare`."""

    metric: str = ""
    """The result to compare, or a logged metric, whose last value counts. By default the result
    that `Expected:` of the experiments names, else the only result that all runs have."""
    minimize: bool = False
    """Less is better. By default `Expected:` says it."""
    failed: Literal["drop", "worst"] | None = None
    """How a run counts that failed or has not finished: `drop` leaves it out, `worst` gives it the
    worst score that any compared run of its task has. Required if there is one."""
    normalize: tuple[str, ...] = ()
    """TASK=LOW:HIGH, for each task: the score that counts 0 and the one that counts 1. By default,
    where there are several tasks, the random and the optimal score that `Expected:` names."""
    threshold: tuple[str, ...] = ()
    """NUMBER, or TASK=NUMBER for each task: count the steps until the curve reaches it. The default
    is the bound of `Expected:`."""
    curve: str = ""
    """The metric that is drawn over the steps. By default the compared metric if it was logged more
    than once, for returns else check_return or episode_return."""
    task: str = ""
    """Call the task of all runs so. Without it, runs of different tasks are never put together."""
    replications: Annotated[int, validation.Interval(100, 10**6)] = 50_000
    """Replications of the bootstrap. The bands of performance profiles have 2,000."""
    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the bootstrap."""
    tracking_uri: str | None = None
    """MLflow server that has runs which are not on this disk, and that gets the comparison. With
    'none' the comparison stays on the disk."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def tasks(groups: Sequence[Group]) -> list[str]:
    """The tasks, which must be the same in each group."""
    of_groups = [list(dict.fromkeys(run.task for run in group.runs)) for group in groups]
    for group, found in zip(groups, of_groups):
        if set(found) != set(of_groups[0]):
            raise ValueError(
                f"tasks: expected those of {groups[0].label}, {', '.join(of_groups[0])}, received {group.label} with "
                f"{', '.join(found)}; if they are the same problem, name it with --task"
            )
    return of_groups[0]


def metric(groups: Sequence[Group], choices: Choices) -> tuple[str, bool]:
    """(name of the metric, whether less is better)."""
    runs = [run for group in groups for run in group.runs]
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        raise ValueError(f"compare: expected a run that has finished, received {_named(runs)}")
    common = [name for name in finished[0].results if all(name in run.results for run in finished)]
    promised = {name: each for run in runs for name, each in conditions(run.expected).items()}
    chosen = choices.metric or next((name for name in promised if name in common), common[0] if len(common) == 1 else "")
    missing = [run for run in finished if chosen not in run.results and not run.metrics(chosen).get(chosen)]
    if not chosen or missing:
        received = f"{chosen!r}, which {missing[0].name} lacks" if chosen else "none"
        raise ValueError(f"--metric: expected a result that all runs have, received {received}; {_have(groups)}")
    return chosen, choices.minimize or (chosen in promised and promised[chosen].sign == "<=")


def _have(groups):
    """What the runs of each group have."""
    texts = []
    for group in groups:
        of_runs = [run.results for run in group.runs if run.status == "FINISHED"]
        names = list(dict.fromkeys(name for results in of_runs for name in results))
        texts.append(f"{group.label} has {', '.join(names) or 'none'}")
    return "; ".join(texts)


def values(groups: Sequence[Group], name: str, minimize: bool, choices: Choices) -> dict[str, dict[str, list[float]]]:
    """{label: {task: the score of each run that counts}}. Drops runs that do not count.

    A run that failed, has not finished or has no finite score counts as `choices.failed` says. The
    notes of its group name it.
    """
    scores = {run: _score(run, name) for group in groups for run in group.runs}
    lost = [run for group in groups for run in group.runs if not math.isfinite(scores[run])]
    if lost and choices.failed is None:
        raise ValueError(
            "--failed: expected drop (leave them out) or worst (each counts with the worst score of its task), "
            f"received nothing for {len(lost)} without a score: {_named(lost)}"
        )
    for run in lost if choices.failed == "worst" else ():
        of_task = [scores[each] for group in groups for each in group.runs if each.task == run.task and each not in lost]
        if not of_task:
            raise ValueError(f"--failed: expected a score of a run of {run.task}, received none")
        scores[run] = max(of_task) if minimize else min(of_task)
    for group in groups:
        if mine := [run for run in group.runs if run in lost]:
            how = "left out" if choices.failed == "drop" else "counted with the worst score"
            group.notes.append(f"{group.label}: {how}: {_named(mine)}")
        names = dict.fromkeys(run.task for run in group.runs)
        group.runs = [run for run in group.runs if math.isfinite(scores[run])]
        for task in names:
            if not any(run.task == task for run in group.runs):
                raise ValueError(f"{group.label}: expected a finished run of {task}, received none")
    return {
        group.label: {
            task: [scores[run] for run in group.runs if run.task == task]
            for task in dict.fromkeys(run.task for run in group.runs)
        }
        for group in groups
    }


def _score(run, name):
    if run.status != "FINISHED":
        return math.nan
    return run.results[name] if name in run.results else run.metrics(name)[name][-1][1]


def _named(runs):
    each = [f"{run.name} ({run.status})" for run in runs]
    return ", ".join(each[:6]) + (f" and {len(each) - 6} more" if len(each) > 6 else "")


def curves(groups: Sequence[Group], name: str, choices: Choices) -> tuple[str, dict[OneRun, Points]]:
    """(name of the curve, {finished run: its points}). ("", {}) if there is none."""
    runs = [run for group in groups for run in group.runs if run.status == "FINISHED"]
    usual = (name, *RETURNS[::-1]) if name.endswith("return") else (name,)
    wanted = (choices.curve,) if choices.curve else usual
    found = {run: run.metrics(*wanted) for run in runs}
    for key in wanted:
        if all(len(each.get(key, ())) > 1 for each in found.values()):
            return key, {run: each[key] for run, each in found.items()}
    if choices.curve:
        lacks = next(run for run in runs if len(found[run].get(choices.curve, ())) < 2)
        several = [key for key, points in lacks.metrics().items() if len(points) > 1]
        raise ValueError(
            f"--curve: expected a metric that every run logged more than once, received {choices.curve!r}; "
            f"{lacks.name} has {', '.join(sorted(several)) or 'none'}"
        )
    return "", {}


def thresholds(groups: Sequence[Group], names: Sequence[str], metric: str, curve: str, choices: Choices) -> dict[str, float]:
    """{task: the threshold of its curve}. Tasks without one are left out."""
    given = _of_tasks("threshold", "NUMBER or TASK=NUMBER", choices.threshold, names, float)
    if given and not curve:
        raise ValueError("--threshold: expected a curve that all runs have, received none; name it with --curve")
    if given or not (curve == metric or (metric.endswith(FINAL_RETURN) and curve in RETURNS)):
        return given
    found = {}
    for run in (run for group in groups for run in group.runs):
        if run.task not in found and (promise := _promise(run, metric)):
            found[run.task] = promise.bound
    return found


def references(
    groups: Sequence[Group], names: Sequence[str], metric: str, minimize: bool, choices: Choices
) -> dict[str, tuple[float, float]]:
    """{task: (score that counts 0, score that counts 1)}. Empty where one task needs none."""
    found = _of_tasks("normalize", "TASK=LOW:HIGH", choices.normalize, names, _pair)
    if len(names) == 1 and not found:
        return {}
    for run in (run for group in groups for run in group.runs):
        if run.task not in found and _promise(run, metric) and (known := reference_scores(run.expected)):
            found[run.task] = known
    for name in names:
        if name not in found:
            raise ValueError(
                f"--normalize: expected TASK=LOW:HIGH for each of {len(names)} tasks, received none for {name}, "
                "whose random and optimal scores are not known"
            )
        if (found[name][1] < found[name][0]) != minimize or found[name][0] == found[name][1]:
            kind = "less is better" if minimize else "more is better"
            low, high = found[name]
            raise ValueError(
                f"--normalize: expected the worse score, then the better ({kind}), received {name}={low:g}:{high:g}"
            )
    return {name: found[name] for name in names}


def _promise(run: OneRun, metric: str):
    """What the experiment of a run expects of a metric. Final returns are of one scale."""
    promised = conditions(run.expected)
    others = (each for name, each in promised.items() if name.endswith(FINAL_RETURN) and metric.endswith(FINAL_RETURN))
    return promised.get(metric) or next(others, None)


def _pair(text):
    low, _, high = text.partition(":")
    return float(low), float(high)


def _of_tasks(name, form, words: Sequence[str], tasks: Sequence[str], read) -> dict[str, Any]:
    """{task: value} of words TASK=VALUE. Of one task, VALUE alone is enough."""
    found: dict[str, Any] = {}
    for word in words:
        task, equals, value = word.rpartition("=")
        if not equals and len(tasks) > 1:
            raise ValueError(
                f"{validation.flag(name)}: expected TASK= before it, for one of {', '.join(tasks)}, received {word!r}"
            )
        try:
            number = read(value)
        except ValueError:
            raise ValueError(f"{validation.flag(name)}: expected {form}, received {word!r}") from None
        if not all(map(math.isfinite, number if isinstance(number, tuple) else (number,))):
            raise ValueError(f"{validation.flag(name)}: expected finite numbers, received {word!r}")
        validation.require_name(validation.flag(name), task if equals else tasks[0], tasks)
        found[task if equals else tasks[0]] = number
    return found
