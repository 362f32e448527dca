"""A run's folder on disk: what it is, everything it has logged, its checkpoints and its artifacts.

    mlruns/runs/<name>/
        run.json         what was started: experiment, module, configuration, seed, versions (written once)
        journal.jsonl    everything logged, one JSON object and its checksum a line, in order
        checkpoints/     see lab/runs/checkpoint.py
        artifacts/       files to look at
        mlflow.json      the id of the MLflow run, once there is one, and how much of the journal it holds

The journal is the truth and MLflow a copy of it (lab/runs/courier.py): training appends to a local file and never waits for a
server, and whatever a killed process had logged is delivered later. A metric is identified by its key and step. A line
that was damaged by others is passed over; the lines around it hold.
"""

import contextlib
import datetime
import fcntl
import os
import shutil
import time
import uuid
import zlib
from operator import itemgetter
from pathlib import Path
from typing import Any

from lab import renamed
from lab.errors import DamagedFile
from lab.runs import events
from lab.runs.files import read_json, write_json
from lab.runs.paths import home

FINAL = ("FINISHED", "FAILED", "KILLED")
STALE = 3600  # seconds after which a half-made run folder is a killed process's: making one takes milliseconds


def runs_folder():
    """Where runs keep their folders."""
    return home() / "mlruns" / "runs"


def all_runs():
    """Every `RunFolder` on the disk, oldest first; also those whose files are damaged."""
    return [RunFolder(path) for path in sorted(filter(_is_run, runs_folder().glob("[!.]*")), key=_began)]


def _is_run(path):
    try:
        return not {"run.json", "journal.jsonl"}.isdisjoint(os.listdir(path))
    except (NotADirectoryError, FileNotFoundError):
        return False
    except OSError:
        return True  # whoever opens it says what is wrong


def _began(path):
    try:
        return (path / "run.json").stat().st_mtime
    except OSError:
        return path.lstat().st_mtime


def find(run_id):
    """The `RunFolder` with this name (with or without the experiment) or MLflow run id; FileNotFoundError with a hint where there is none."""
    runs = all_runs()
    for run in runs:
        if run_id and (run.name == run_id or run.name.endswith(f"-{run_id}") or run.mlflow_id() == run_id):
            return run
    newest = f"the newest is {runs[-1].name}" if runs else "there are none"
    raise FileNotFoundError(
        f"run id: expected one of the {len(runs)} runs in {runs_folder()} ({newest}), received {run_id[:100]!r}"
    )


class RunFolder:
    """A run on disk."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        self.checkpoints = self.path / "checkpoints"
        self.artifacts = self.path / "artifacts"
        self.journal = self.path / "journal.jsonl"

    @classmethod
    def create(cls, header):
        """A new folder, named after experiment and seed; appears whole or not at all."""
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        seed = f"seed{header['seed']}" if header.get("seeds", 1) == 1 else f"{header['seeds']}seeds"
        name = f"{header['experiment']}-{seed}-{now}-{uuid.uuid4().hex[:6]}"
        runs_folder().mkdir(parents=True, exist_ok=True)
        for left in runs_folder().glob(".*.partial"):
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left, ignore_errors=True)
        temporary = runs_folder() / f".{name}.partial"
        temporary.mkdir()
        try:
            (temporary / "artifacts").mkdir()
            (temporary / "journal.jsonl").touch()
            write_json(temporary / "run.json", header | {"name": name, "created": time.time()})
            temporary.rename(runs_folder() / name)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return cls(runs_folder() / name)

    def header(self) -> dict[str, Any]:
        """What was started."""
        return read_json(self.path / "run.json")

    def delivery(self) -> dict[str, Any]:
        """What MLflow has of this run: `run_id` and `offset`, the bytes of the journal delivered; empty at first."""
        path = self.path / "mlflow.json"
        return read_json(path) if os.path.lexists(path) else {}

    def mlflow_id(self) -> str | None:
        """The id of the MLflow run where it is known."""
        try:
            return self.delivery().get("run_id")
        except DamagedFile:  # the courier says so and asks the server
            return None

    def events(self, start=0, end=None):
        """(events, end): the whole lines of the journal between two bytes, and the byte after the last of them."""
        found, last = [], start
        for event, last in self.read(start, end):  # noqa: B007  the last one counts
            if event is not None:
                found.append(event)
        return found, last

    def read(self, start=0, end=None, key=None):
        """Yields (event, byte after it) for the whole lines of the journal between two bytes; None for a damaged line.

        With `key` only events that have it, damaged lines left out.
        """
        mark = f'"{key}": '.encode()
        try:
            with open(self.journal, "rb") as file:
                file.seek(start)
                for line in file:
                    start += len(line)
                    if not line.endswith(b"\n") or (end is not None and start > end):
                        return
                    event = events.decode(line) if key is None or mark in line else None
                    if key is None or (event and key in event):
                        yield event, start
        except OSError as error:
            way = " (an empty file in its place lets the run go on from its checkpoints, without what it had logged)"
            raise DamagedFile(self.journal, "a journal", f"none: {error.strerror}{way}") from error

    def length(self):
        """The byte after the last whole line of the journal."""
        with open(self.journal, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end:
                start = max(end - 4096, 0)
                file.seek(start)
                found = file.read(end - start).rfind(b"\n")
                if found >= 0:
                    return start + found + 1
                end = start
        return 0

    def complaints(self, damaged, end):
        """What others did to the journal, a sentence each: it has these damaged lines and ends at this byte."""
        if damaged:
            numbers = ", ".join(map(str, damaged[:5])) + (", …" if len(damaged) > 5 else "")
            yield f"{self.journal}: {len(damaged)} damaged (line {numbers}), passed over: what was logged there is lost"
        with contextlib.suppress(DamagedFile):
            if end < self.delivery().get("offset", 0):
                yield f"{self.journal}: expected at least {self.delivery()['offset']} bytes, received {end}: its end is lost"
        if not end and any(self.checkpoints.glob("step-*")):
            yield f"{self.journal}: expected what was logged before the checkpoints, received an empty file: it is lost"

    def status(self):
        """FINISHED, FAILED or KILLED where the run ended so; RUNNING where a process writes it; else KILLED."""
        writing = self.locked("writer")  # asked first: who has ended by now has written how
        said = None
        for event, _ in self.read(key="status"):
            said = event["status"]
        if said in FINAL:
            return said
        return "RUNNING" if writing else "KILLED"

    def metrics(self):
        """All metrics as {key: [(step, value), ...]}, by ascending step."""
        history: dict[str, list] = {}
        for event, _ in self.read(key="metrics"):
            for key, value in event["metrics"].items():
                history.setdefault(key, []).append((event["step"], value))
        return {key: sorted(points, key=itemgetter(0)) for key, points in history.items()}

    def results(self):
        """The results the run ended with, {name: value}; `None` where it did not."""
        said = None
        for event, _ in self.read(key="results"):
            said = event["results"]
        return said

    def sync(self):
        """Forces the journal to the disk, whichever process wrote it."""
        with open(self.journal, "rb") as file:
            os.fsync(file.fileno())

    def mark(self, offset):
        """A checksum of the journal's last bytes before this one, by which a journal that lost its end is told."""
        with open(self.journal, "rb") as file:
            start = max(offset - 1024, 0)
            file.seek(start)
            return zlib.crc32(file.read(offset - start))

    @contextlib.contextmanager
    def lock(self, role, wait=False):
        """Holds the folder's lock for `role`; yields False where another process has it, unless it is to wait. Ends with the process."""
        with open(self.path / f".{role}.lock", "w") as file:
            mine = wait or not _held(file)
            while mine:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                    break
                except BlockingIOError:  # by another holder, or for a moment by one who looks
                    mine = not _held(file)
            yield mine

    def locked(self, role):
        """Whether some process holds the lock for `role`. To look neither takes the lock nor makes its file."""
        try:
            with open(self.path / f".{role}.lock") as file:
                return _held(file)
        except FileNotFoundError:
            return False


def _held(file):
    """Whether another process holds the file's lock. Those who look share it for a moment and never hinder each other."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


__getattr__ = renamed(__name__, {"Journal": "lab.runs.journal.Journal"})
