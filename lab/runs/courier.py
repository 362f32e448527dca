"""Delivery of runs to MLflow, while they go on and afterwards. The rest of the lab asks this module only.

A run writes its journal (lab/runs/run_folder.py) and never talks to a server. A *courier*, a process of its own with low priority,
copies the journals of a run and its children to the tracking server while they go on (lab/runs/mlflow_delivery.py): it creates the MLflow
runs, sends metrics in batches, uploads artifacts, logs the model. If the server is away it tries again; if the run ends
first, `python -m lab sync` delivers later, and makes again whatever was lost or deleted on the server's side.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.errors import BusyError, DamagedFile
from lab.runs.mlflow_delivery import Delivery
from lab.runs.mlflow_server import (
    NONE,
    conceal_password,
    explain,
    fetch_policy,
    hide,
    naming_store,
    resolve_uri,
    ui,
    with_password,
    without_password,
)
from lab.runs.paths import home
from lab.runs.run_folder import RunFolder, all_runs

__all__ = [
    "NONE", "BusyError", "conceal_password", "delivered", "explain", "family", "fetch_policy", "hide", "resolve_uri",
    "start_courier", "sync", "ui", "with_password", "without_password",
]  # fmt: skip


def start_courier(folder: RunFolder) -> subprocess.Popen:
    """Starts the courier of a run and its children as a process that outlives this one and ignores its Ctrl-C."""
    try:
        log = open(folder.path / "courier.log", "ab")  # noqa: SIM115  closed below
    except OSError:  # a log that cannot be written stops nothing
        log = open(os.devnull, "ab")  # noqa: SIM115
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "lab.runs.courier", str(folder.path)], env=os.environ | {"LAB_HOME": str(home())},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def sync(uri: str | None = None, say: Callable[[str], None] = print) -> dict[str, Exception | None]:
    """Delivers every run on the disk that its server does not have whole, and says what cannot be.

    Returns {run name: the error, None where all went well} of the runs for which there was something to do.
    """
    results: dict[str, Exception | None] = {}
    for folder in all_runs():
        try:
            if _deliver(folder, uri, say):
                results[folder.name] = None
        except Exception as error:  # every kind of server fails in its own way
            results[folder.name] = error
    return results


def delivered(folder: RunFolder, uri: str | None = None) -> bool:
    """Whether all of a run's journal was delivered: to the server at `uri`, or without one to any."""
    try:
        there = folder.delivery()
        return there.get("offset") == folder.length() and uri in (None, there["uri"])
    except DamagedFile:
        return False


def family(folder: RunFolder) -> list[RunFolder]:
    """A run and the children that it has begun."""
    return [folder, *_Children(folder).new()]


def _deliver(folder, uri, say):
    """Brings a run up to date whose courier is not at work. Returns whether there was something to bring."""
    if uri is None and folder.header()["tracking_uri"] == NONE:
        return False
    with folder.lock("courier") as mine:
        if not mine and delivered(folder, uri):
            return False
        if not mine:
            raise BusyError("another process is delivering this run; sync again when it has ended")
        delivery = Delivery(folder, uri)
        try:
            with naming_store(delivery.uri):
                delivery.begin_again_if_incomplete()
                delivery.advance()
                delivery.conclude()
        finally:
            for note in delivery.notes:
                say(f"{folder.name}: {note}")
        return delivery.brought


def _attempts(folder) -> Iterator[Exception | None]:
    """Tries at each step to deliver what a run's journal holds; gives the error. Ends when the run is over and delivered."""
    delivery, said = None, 0
    with folder.lock("courier", wait=True):
        while True:
            error = None
            try:
                delivery = delivery or Delivery(folder)
                with naming_store(delivery.uri):
                    delivery.advance()
                    if delivery.conclude():
                        return
            except Exception as failure:
                error = failure
            if delivery is not None:
                for note in delivery.notes[said:]:
                    print(f"{folder.name}: {note}", flush=True)
                said = len(delivery.notes)
            yield error


def _courier(path, poll=0.2, patience=20.0):
    """Follows a run and its children until their journals are delivered; gives up `patience` seconds after the run has ended."""
    os.nice(10)
    folder = RunFolder(path)
    working, children = {folder.name: _attempts(folder)}, _Children(folder)
    gone = None
    wait = poll
    complaint = None
    while working:
        wait = min(wait, poll) if (error := _round(working)) is None else min(wait * 2, 8.0)
        if error is not None and explain(error) != complaint:
            complaint = explain(error)
            print(complaint, flush=True)
        working |= {child.name: _attempts(child) for child in children.new()}
        gone = None if folder.locked("writer") else gone or time.monotonic()
        if gone and time.monotonic() - gone > patience:
            return
        if working:
            time.sleep(wait)
    with contextlib.suppress(Exception):  # the next `sync` says it
        if parent := folder.header().get("parent"):
            _deliver(RunFolder(folder.path.with_name(parent)), None, print)  # it may have died with its child


def _round(working):
    """One attempt for each run; those that are done leave. Returns the last error."""
    last = None
    for name, attempts in list(working.items()):
        try:
            error = next(attempts)
        except StopIteration:
            del working[name]
        else:
            last = error or last
    return last


class _Children:
    """The children that a run begins, each given once."""

    def __init__(self, folder):
        self._folder = folder
        self._read = 0
        self._known = set()

    def new(self):
        """Those that are new since the last time, as their parent's journal names them; it is read on from there."""
        names = []
        with contextlib.suppress(DamagedFile, FileNotFoundError):
            start, self._read = self._read, self._folder.length()
            names = [event["child"] for event, _ in self._folder.read(start, self._read, key="child")]
        fresh = [name for name in dict.fromkeys(names) if name not in self._known]
        self._known.update(fresh)
        return [RunFolder(self._folder.path.with_name(name)) for name in fresh]


class _Discreet:
    """A log without secrets: whole lines, each as `hide` leaves it. A disk that is full stops nothing."""

    def __init__(self, stream):
        self._stream, self._line = stream, ""

    def write(self, text):
        whole, found, self._line = (self._line + text).rpartition("\n")
        if found:
            with contextlib.suppress(OSError):
                self._stream.write(hide(whole) + "\n")
                self._stream.flush()
        return len(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


if __name__ == "__main__":
    sys.stdout = sys.stderr = _Discreet(sys.stdout)  # type: ignore[assignment]
    _courier(Path(sys.argv[1]))
