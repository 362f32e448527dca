"""The delivery of runs to MLflow, while they are running and afterwards.

A run writes its journal (lab/runs/run_folder.py) and never talks to a server. A *courier* copies
the journals of a run and its children to the tracking server (lab/runs/mlflow_delivery.py). It is a
process of its own, with low priority. It creates the MLflow runs, sends metrics in batches, uploads
artifacts and logs the model. If the server does not answer, it tries again.

If the run ends first, `python -m lab sync` delivers the rest later. It also restores what was lost
or deleted on the server.
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
    with_password,
    without_password,
)
from lab.runs.mlflow_ui import ui
from lab.runs.paths import home
from lab.runs.run_folder import RunFolder, all_runs

__all__ = [
    "NONE",
    "BusyError",
    "conceal_password",
    "delivered",
    "explain",
    "family",
    "fetch_policy",
    "hide",
    "resolve_uri",
    "start_courier",
    "sync",
    "ui",
    "with_password",
    "without_password",
]


def start_courier(folder: RunFolder) -> subprocess.Popen:
    """Starts the courier of a run and its children.

    Its process outlives this one and does not receive its Ctrl-C.
    """
    command = [sys.executable, "-m", "lab.runs.courier", str(folder.path)]
    environment = os.environ | {"LAB_HOME": str(home())}
    try:
        log = open(folder.path / "courier.log", "ab")  # noqa: SIM115  closed below
    except OSError:  # the courier works without a log
        log = open(os.devnull, "ab")  # noqa: SIM115
    with log:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def sync(uri: str | None = None, say: Callable[[str], None] = print) -> dict[str, Exception | None]:
    """Delivers every run on the disk that its server does not have completely.

    Args:
        uri: the server, instead of the one with which each run was started.
        say: called with a sentence for each thing that cannot be delivered.

    Returns:
        {run name: error, or None if all went well}, of the runs that had something to deliver.
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
    """Whether the whole journal of a run was delivered: to the server at `uri`, or to any."""
    try:
        there = folder.delivery()
        return there.get("offset") == folder.length() and uri in (None, there["uri"])
    except DamagedFile:
        return False


def family(folder: RunFolder) -> list[RunFolder]:
    """A run, the children that it has started, and theirs."""
    return [folder, *_Children(folder).new()]


def _deliver(folder, uri, say):
    """Delivers the rest of a run whose courier is not running. Returns whether there was a rest."""
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
    """Each step tries to deliver what the journal of a run holds, and yields the error or None.

    Ends when the run is over and delivered.
    """
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
    """Follows a run and its children until their journals are delivered.

    After the end of the run it gives up when nothing could be delivered for `patience` seconds.
    """
    os.nice(10)
    folder = RunFolder(path)
    children = _Children(folder)
    working = {folder.name: _attempts(folder)}
    gone = None
    wait = poll
    complaint = None
    while working:
        wait = min(wait, poll) if (error := _round(working)) is None else min(wait * 2, 8.0)
        if error is not None and explain(error) != complaint:
            complaint = explain(error)
            print(complaint, flush=True)
        working |= {child.name: _attempts(child) for child in children.new()}
        waits = error is not None and not folder.locked("writer")
        gone = (gone or time.monotonic()) if waits else None
        if gone and time.monotonic() - gone > patience:
            return
        if working:
            time.sleep(wait)
    with contextlib.suppress(Exception):  # the next `sync` reports it
        if parent := folder.header().get("parent"):  # it may have died with its child
            _deliver(RunFolder(folder.path.with_name(parent)), None, print)


def _round(working):
    """Makes one attempt for each run, and removes those that are done. Returns the last error."""
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
    """The children that a run starts, and theirs. Each is returned once."""

    def __init__(self, folder):
        self._folder = folder
        self._read = 0
        self._known = {}  # {name: its own children}

    def new(self):
        """The runs that the journals of the parents name since the last call."""
        names = []
        with contextlib.suppress(DamagedFile, FileNotFoundError):
            start, self._read = self._read, self._folder.length()
            if start < self._read:
                names = [event["child"] for event, _ in self._folder.read(start, self._read, key="child")]
        found = []
        for name in dict.fromkeys(names):
            if name not in self._known:
                child = RunFolder(self._folder.path.with_name(name))
                self._known[name] = _Children(child)
                found.append(child)
        return [*found, *(each for child in self._known.values() for each in child.new())]


class _Discreet:
    """A log of whole lines without secrets: see `hide`. A full disk stops nothing."""

    def __init__(self, stream):
        self._stream = stream
        self._line = ""

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
