"""The folder of a run on the disk.

    mlruns/runs/<name>/
        run.json         what was started: experiment, module, configuration, seed, versions;
                         it is written once
        journal.jsonl    everything that was logged, in order;
                         each line is a JSON object with its checksum
        checkpoints/     see lab/runs/checkpoint.py
        artifacts/       files to look at
        mlflow.json      the id of the MLflow run, and how much of the journal that run holds;
                         it exists once the MLflow run does

The journal is the truth, and MLflow has a copy of it (lab/runs/courier.py). Training appends to a
local file and never waits for a server. What a killed process had logged is delivered later.

A metric is identified by its key and its step. A damaged line is skipped, and the lines around it
count.
"""

import contextlib
import datetime
import json
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from lab import renamed
from lab.errors import DamagedFile
from lab.runs import description, events, locks
from lab.runs.files import read_json, write_json
from lab.runs.paths import home

FINAL = ("FINISHED", "FAILED", "KILLED")
# Seconds. A half-made run folder that is older was left by a killed process: to make one takes
# milliseconds.
STALE = 3600


def runs_folder() -> Path:
    """The folder that holds the folders of all runs."""
    return home() / "mlruns" / "runs"


def all_runs() -> list["RunFolder"]:
    """Every `RunFolder` on the disk, oldest first. Damaged ones are included."""
    return [RunFolder(path) for path in sorted(filter(_is_run, runs_folder().glob("[!.]*")), key=_began)]


def _is_run(path):
    try:
        return not {"run.json", "journal.jsonl"}.isdisjoint(os.listdir(path))
    except (NotADirectoryError, FileNotFoundError):
        return False
    except OSError:
        return True  # opening it will report what is wrong


def _began(path):
    try:
        return (path / "run.json").stat().st_mtime
    except OSError:
        return path.lstat().st_mtime


def find(run_id: str) -> "RunFolder":
    """The `RunFolder` with this name or MLflow run id. The name may lack the experiment.

    Raises:
        FileNotFoundError: there is none. The message has a hint.
    """
    runs = all_runs()
    for run in runs:
        if run_id and (run.name == run_id or run.name.endswith(f"-{run_id}") or run.mlflow_id() == run_id):
            return run
    newest = f"the newest is {runs[-1].name}" if runs else "there are none"
    raise FileNotFoundError(
        f"run id: expected one of the {len(runs)} runs in {runs_folder()} ({newest}), received {run_id[:100]!r}"
    )


class RunFolder:
    """A run on the disk.

    Attributes:
        name: of the run, which is also that of its folder.
        checkpoints, artifacts, journal: the paths of its parts.
        output: what it printed, if it was a job (see `lab.runs.jobs`).
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.checkpoints = self.path / "checkpoints"
        self.artifacts = self.path / "artifacts"
        self.journal = self.path / "journal.jsonl"
        self.output = self.path / "output.log"

    @classmethod
    def create(cls, header: dict[str, Any]) -> "RunFolder":
        """Makes a folder, named after experiment and seed. It appears whole or not at all."""
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        name = f"{header['experiment']}-{description.called(header)}-{now}-{uuid.uuid4().hex[:6]}"
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
        """What was started, as it was written. See `lab.runs.old_names` for its settings."""
        return read_json(self.path / "run.json")

    def is_resumable(self) -> bool:
        """Whether its module is known, and it is not one of several seeds that run together."""
        header = self.header()
        return bool(header["module"]) and not ("parent" in header and "together" in header)

    def delivery(self) -> dict[str, Any]:
        """What MLflow has of this run. Empty at first.

        `run_id` is the MLflow run, `uri` its server, `offset` how many bytes of the journal it has.
        """
        path = self.path / "mlflow.json"
        return read_json(path) if os.path.lexists(path) else {}

    def mlflow_id(self) -> str | None:
        """The id of the MLflow run, None if it is not known."""
        try:
            return self.delivery().get("run_id")
        except DamagedFile:  # the courier reports it and asks the server
            return None

    def events(self, start: int = 0, end: int | None = None) -> tuple[list[dict[str, Any]], int]:
        """Reads the whole lines of the journal between two bytes.

        Returns:
            (their events, the byte after the last line). Damaged lines are left out.
        """
        found, last = [], start
        for event, last in self.read(start, end):  # noqa: B007  the last `last` is returned
            if event is not None:
                found.append(event)
        return found, last

    def read(
        self, start: int = 0, end: int | None = None, key: str | None = None, names: Sequence[str] = ()
    ) -> Iterator[tuple[Any, int]]:
        """Yields (event, byte after it) for the whole lines of the journal between two bytes.

        The event of a damaged line is None. With `key`, only events that have this key are yielded.
        With `names` too, only those whose line has one of these names.
        """
        mark, marks = f'"{key}": '.encode(), [f"{json.dumps(name)}: ".encode() for name in names]
        try:
            with open(self.journal, "rb") as file:
                file.seek(start)
                for line in file:
                    start += len(line)
                    if not line.endswith(b"\n") or (end is not None and start > end):
                        return
                    wanted = key is None or (mark in line and (not marks or any(each in line for each in marks)))
                    event = events.decode(line) if wanted else None
                    if key is None or (event and key in event):
                        yield event, start
        except OSError as error:
            way = " (an empty file in its place lets the run go on from its checkpoints, without what it had logged)"
            raise DamagedFile(self.journal, "a journal", f"none: {error.strerror}{way}") from error

    def tail(self, size: int = 2**16) -> list[dict[str, Any]]:
        """The events of the last `size` bytes of the journal. Damaged lines are left out."""
        end = self.length()
        start = max(end - size, 0)
        found = [event for event, _ in self.read(start, end)]
        return [event for event in (found[1:] if start else found) if event is not None]  # the first line may be a part

    def length(self) -> int:
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

    def complaints(self, damaged: Sequence[int], end: int) -> Iterator[str]:
        """Yields a sentence for each damage to the journal.

        Args:
            damaged: the numbers of its damaged lines.
            end: the byte after its last line.
        """
        if damaged:
            numbers = ", ".join(map(str, damaged[:5])) + (", …" if len(damaged) > 5 else "")
            yield f"{self.journal}: {len(damaged)} damaged (line {numbers}), passed over: what was logged there is lost"
        with contextlib.suppress(DamagedFile):
            if end < self.delivery().get("offset", 0):
                yield f"{self.journal}: expected at least {self.delivery()['offset']} bytes, received {end}: its end is lost"
        if not end and any(self.checkpoints.glob("step-*")):
            yield f"{self.journal}: expected what was logged before the checkpoints, received an empty file: it is lost"

    def status(self) -> str:
        """How the run ended: FINISHED, FAILED or KILLED. RUNNING if a process is writing to it.

        A run whose process ended without a status is KILLED.
        """
        writing = self.locked("writer")  # before the journal is read: a process writes its status, then ends
        said = None
        for event, _ in self.read(key="status"):
            said = event["status"]
        if said in FINAL:
            return said
        return "RUNNING" if writing else "KILLED"

    def metrics(self, *names: str) -> dict[str, list[tuple[int, float]]]:
        """All metrics, or those named: {key: [(step, value), ...]}, with ascending steps."""
        history: dict[str, list] = {}
        for event, _ in self.read(key="metrics", names=names):
            for key, value in event["metrics"].items():
                if not names or key in names:
                    history.setdefault(key, []).append((event["step"], value))
        return {key: sorted(points, key=itemgetter(0)) for key, points in history.items()}

    def results(self) -> dict[str, float] | None:
        """The results of the run, {name: value}. None if it has not finished."""
        said = None
        for event, _ in self.read(key="results"):
            said = event["results"]
        return said

    def sync(self) -> None:
        """Flushes the journal to the disk, whichever process wrote it."""
        with open(self.journal, "rb") as file:
            os.fsync(file.fileno())

    def mark(self, offset: int) -> int:
        """A checksum of the last bytes of the journal before this one.

        It differs if the journal lost its end and grew again.
        """
        with open(self.journal, "rb") as file:
            start = max(offset - 1024, 0)
            file.seek(start)
            return zlib.crc32(file.read(offset - start))

    @contextlib.contextmanager
    def lock(self, role: str, wait: bool = False) -> Iterator[bool]:
        """Holds the folder's lock for `role`. Yields whether this process has it.

        The lock ends with the process at the latest.

        Args:
            wait: waits until no other process has the lock, instead of yielding False.
        """
        with locks.lock(self.path / f".{role}.lock", wait) as mine:
            yield mine

    def locked(self, role: str) -> bool:
        """Whether a process holds the lock for `role`. Does not take it, nor make its file."""
        return locks.locked(self.path / f".{role}.lock")

    def has_living_ancestor(self) -> bool:
        """Whether the run that this one is a child of, or one above that, is being written."""
        folder, seen = self, {self.name}
        with contextlib.suppress(DamagedFile, FileNotFoundError):
            while (parent := folder.header().get("parent")) and parent not in seen:
                folder = RunFolder(self.path.with_name(parent))
                seen.add(parent)
                if folder.locked("writer"):
                    return True
        return False


__getattr__ = renamed(__name__, {"Journal": "lab.runs.journal.Journal"})
