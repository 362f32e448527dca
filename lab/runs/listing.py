"""The runs on this disk as a table: what each is, how far it is and what came out.

Of each journal only the end is read, where the last metrics, the results and the status are.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lab.errors import DamagedFile
from lab.runs import description
from lab.runs.about import conditions
from lab.runs.run_folder import FINAL, RunFolder, all_runs

DAMAGED, NOT_STARTED = "DAMAGED", "NOT STARTED"


class Row(NamedTuple):
    """A run in the table."""

    name: str
    experiment: str
    kind: str  # "single", "parent", "seed", "variant", "study", "trial", "comparison"
    status: str  # FINISHED, FAILED, KILLED, RUNNING, NOT STARTED or DAMAGED
    step: int  # of the latest metrics
    total_steps: int  # 0 if unknown
    results: dict[str, float]
    age: float  # seconds since its start
    parent: str  # the name of the parent, or ""
    tags: dict[str, str]  # algorithm, task, kind, smoke


def row(run: RunFolder) -> Row:
    """What the table says of a run. A damaged one is listed too."""
    try:
        return _row(run, run.header(), run.tail())
    except (DamagedFile, OSError, LookupError, TypeError):  # or it is being deleted
        return Row(run.name, "", "", DAMAGED, 0, 0, {}, 0.0, "", {})


def _row(run: RunFolder, header: dict[str, Any], events: Sequence[dict[str, Any]]) -> Row:
    results: dict[str, float] = next((event["results"] for event in reversed(events) if "results" in event), {})
    first = [name for name in conditions(header.get("about", {}).get("expected", "")) if name in results]
    results = {name: results[name] for name in dict.fromkeys([*first, *results])}
    step = next((event["step"] for event in reversed(events) if "metrics" in event), 0)
    tags = description.tags(header)
    age = max(time.time() - header["created"], 0.0)
    about = (header["experiment"], tags["kind"], _status(run, events), step, header["total_steps"], results, age)
    return Row(run.name, *about, header.get("parent") or "", tags)


def _status(run: RunFolder, events: Sequence[dict[str, Any]]) -> str:
    if run.locked("writer"):
        return "RUNNING"
    said = [event["status"] for event in run.tail() if "status" in event]  # after the lock: it may have ended meanwhile
    if not said and not any("metrics" in event for event in events):  # it may name children that wait too
        return NOT_STARTED
    return said[-1] if said and said[-1] in FINAL else "KILLED"


def rows(word: str = "", statuses: Iterable[str] = (), children: bool = False) -> list[Row]:
    """The runs on this disk, the newest last.

    Args:
        word: lists only runs with it in their name, tags or status.
        statuses: lists only runs with one of these. All by default.
        children: lists children beside their parents.
    """
    wanted = set(statuses)
    found = []
    for each in map(row, all_runs()):
        text = " ".join([each.name, each.status, *each.tags.values()]).lower()
        if (children or not each.parent) and word.lower() in text and (not wanted or each.status in wanted):
            found.append(each)
    return found


def text(found: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [("EXPERIMENT", "RUN", "STATUS", "STEP", "RESULT", "AGE")]
    for each in found:
        step = f"{each.step:,}" + (f"/{each.total_steps:,}" if each.total_steps else "")
        result = next((f"{name} {value:.4g}" for name, value in each.results.items()), "-")
        short = each.name.removeprefix(f"{each.experiment}-")
        lines.append((each.experiment or "-", short, each.status.lower(), step, result, age(each.age)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def age(seconds: float) -> str:
    """A time as text: 40 s, 12 min, 5 h, 3 days."""
    for unit, size, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
