"""What may be deleted of the runs on this disk, and how much room that makes.

A run and its children stay or go together. Nothing that is running is touched. The copies in MLflow
stay. A killed process leaves no half of a run: a folder is renamed first, then deleted.
"""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lab.errors import DamagedFile
from lab.runs import courier, listing, mlflow_server
from lab.runs.run_folder import STALE, RunFolder, all_runs, runs_folder

GONE = ".deleted"  # the suffix of a folder that is being deleted


class Item(NamedTuple):
    """Something that may be deleted."""

    path: Path
    what: str  # "smoke run", "checkpoints of a finished run", ...
    size: int  # bytes


class Selection(NamedTuple):
    """What a person wants to delete."""

    word: str = ""  # of the names of runs
    smoke: bool = False  # smoke runs
    failed: bool = False  # runs of which nothing has finished
    checkpoints: bool = False  # of runs that have finished
    all: bool = False
    older: float = 0.0  # days since the start


def find(wanted: Selection) -> tuple[list[Item], list[str]]:
    """(what would be deleted, a sentence for each run that is kept although it was meant)."""
    families, kept = _families(), []
    found = [Item(path, "rest of a run that was never made", _size(path)) for path in _rests()]
    for family in families:
        top = listing.row(family[0])
        if wanted.word.lower() not in top.name.lower() or top.age < wanted.older * 86400:
            continue
        rows = [top, *map(listing.row, family[1:])]
        what = _meant(wanted, rows)
        if what and any(each.status == "RUNNING" for each in rows):
            kept.append(f"{top.name}: it is running")
        elif what and (missing := [run.name for run in family if not _is_safe(run)]):
            kept.append(f"{top.name}: MLflow does not have all of {missing[0]}; deliver it first: python -m lab sync")
        elif what:
            found += [Item(run.path, what, _size(run.path)) for run in family]
        elif wanted.checkpoints:
            done = [run for run, each in zip(family, rows) if each.status == "FINISHED" and _size(run.checkpoints)]
            found += [Item(run.checkpoints, "checkpoints of a finished run", _size(run.checkpoints)) for run in done]
    return found, kept


def delete(items: Sequence[Item]) -> None:
    """Deletes what was found."""
    for item in reversed(items):  # a parent after its children: it is found again if this is killed
        gone = item.path.with_name(f".{item.path.name}{GONE}")
        shutil.rmtree(gone, ignore_errors=True)
        item.path.rename(gone)
        shutil.rmtree(gone)


def _families() -> list[list[RunFolder]]:
    """Each run without a parent, with all that descend from it."""
    runs = all_runs()
    parents = {run.name: _parent(run) for run in runs}
    families: dict[str, list[RunFolder]] = {run.name: [run] for run in runs if parents[run.name] not in parents}
    for run in runs:
        top = run.name
        while parents[top] in parents:
            top = parents[top]
        if top != run.name:
            families[top].append(run)
    return list(families.values())


def _parent(run):
    try:
        return run.header().get("parent") or ""
    except DamagedFile:
        return ""


def _rests():
    """Folders that a killed process left half made or half deleted."""
    for path in runs_folder().glob(".*"):
        stale = path.suffix == ".partial" and time.time() - path.stat().st_mtime > STALE
        if stale or path.suffix == GONE:
            yield path
    yield from runs_folder().glob(f"[!.]*/.*{GONE}")  # checkpoints


def _meant(wanted, rows):
    """Why a family is to be deleted, or ""."""
    if wanted.all:
        return "run"
    if wanted.smoke and rows[0].tags.get("smoke") == "true":
        return "smoke run"
    if wanted.failed and not any(each.status in ("FINISHED", "RUNNING", listing.NOT_STARTED) for each in rows):
        return "run of which nothing has finished"
    return ""


def _is_safe(run):
    """Whether MLflow has all of a run, or was never to have it."""
    try:
        return run.header()["tracking_uri"] == mlflow_server.NONE or courier.delivered(run)
    except (DamagedFile, OSError, LookupError):
        return True  # nothing can be delivered of it


def _size(path):
    """Bytes of a folder on the disk."""
    return sum(os.path.getsize(each) for each in Path(path).rglob("*") if each.is_file() and not each.is_symlink())
