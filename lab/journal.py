"""A run's folder on disk: what it is, everything it has logged, its checkpoints and its artifacts.

    mlruns/runs/<name>/
        run.json         what was started: experiment, module, configuration, seed, versions (written once)
        journal.jsonl    everything logged, one JSON object a line, in order
        checkpoints/     see lab/checkpoint.py
        artifacts/       files to look at
        mlflow.json      the id of the MLflow run, once there is one, and how much of the journal it holds

The journal is the truth and MLflow a copy of it (lab/tracking.py): training appends to a local file and never waits for a
server, and whatever a killed process had logged is delivered later. A metric is identified by its key and step.
"""

import contextlib
import datetime
import fcntl
import json
import os
import time
import uuid
from pathlib import Path

FINAL = ("FINISHED", "FAILED", "KILLED")


def home():
    """The folder that holds `mlruns`: $LAB_HOME, else the checkout this package lies in, else the current folder."""
    if os.environ.get("LAB_HOME"):
        return Path(os.environ["LAB_HOME"]).resolve()
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "pyproject.toml").exists() else Path.cwd()


def runs_folder():
    """Where runs keep their folders."""
    return home() / "mlruns" / "runs"


def all_runs():
    """Every `RunFolder` on the disk, oldest first."""
    paths = [path for path in runs_folder().glob("*/run.json") if not path.parent.name.startswith(".")]
    return [RunFolder(path.parent) for path in sorted(paths, key=lambda path: path.stat().st_mtime)]


def find(run_id):
    """The `RunFolder` with this name (with or without the experiment) or MLflow run id; FileNotFoundError with a hint where there is none."""
    runs = all_runs()
    for run in runs:
        if run_id and (run.name == run_id or run.name.endswith(f"-{run_id}") or run.delivery().get("run_id") == run_id):
            return run
    newest = f"the newest is {runs[-1].name}" if runs else "there are none"
    raise FileNotFoundError(f"run id: expected one of the {len(runs)} runs in {runs_folder()} ({newest}), received {run_id!r}")


def write_json(path, content):
    """Writes JSON so that the file is at every moment the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(temporary, "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


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
        temporary = runs_folder() / f".{name}.partial"
        temporary.mkdir()
        try:
            (temporary / "artifacts").mkdir()
            (temporary / "journal.jsonl").touch()
            write_json(temporary / "run.json", header | {"name": name, "created": time.time()})
            temporary.rename(runs_folder() / name)
        except BaseException:
            for left in (temporary / "run.json", temporary / "journal.jsonl"):
                left.unlink(missing_ok=True)
            (temporary / "artifacts").rmdir()
            temporary.rmdir()
            raise
        return cls(runs_folder() / name)

    def header(self):
        """What was started."""
        return json.loads((self.path / "run.json").read_text())

    def delivery(self):
        """What MLflow has of this run: `run_id` and `offset`, the bytes of the journal delivered; empty at first."""
        try:
            return json.loads((self.path / "mlflow.json").read_text())
        except FileNotFoundError:
            return {}

    def events(self, start=0, end=None):
        """(events, end): the whole lines of the journal between two bytes, and the byte after the last of them."""
        with open(self.journal, "rb") as file:
            file.seek(start)
            content = file.read() if end is None else file.read(end - start)
        content = content[: content.rfind(b"\n") + 1]
        return [json.loads(line) for line in content.splitlines()], start + len(content)

    def status(self):
        """FINISHED, FAILED or KILLED where the run ended so; RUNNING where a process writes it; else KILLED."""
        said = [event["status"] for event in self.events()[0] if "status" in event]
        if said and said[-1] in FINAL:
            return said[-1]
        return "RUNNING" if self.locked("writer") else "KILLED"

    def metrics(self):
        """All metrics as {key: [(step, value), ...]}, in the order they were logged."""
        history: dict[str, list] = {}
        for event in self.events()[0]:
            for key, value in event.get("metrics", {}).items():
                history.setdefault(key, []).append((event["step"], value))
        return history

    def results(self):
        """The results the run ended with, {name: value}; `None` where it did not."""
        said = [event["results"] for event in self.events()[0] if "results" in event]
        return said[-1] if said else None

    def sync(self):
        """Forces the journal to the disk, whichever process wrote it."""
        with open(self.journal, "rb") as file:
            os.fsync(file.fileno())

    def line_ends_at(self, offset):
        """Whether a line of the journal ends right before this byte, or none begins before it."""
        with open(self.journal, "rb") as file:
            file.seek(max(offset - 1, 0))
            return offset == 0 or file.read(1) == b"\n"

    @contextlib.contextmanager
    def lock(self, role, wait=False):
        """Holds the folder's lock for `role`; yields False where another process has it, unless it is to wait. Ends with the process."""
        with open(self.path / f".{role}.lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def locked(self, role):
        """Whether some process holds the lock for `role`."""
        with self.lock(role) as mine:
            return not mine


class Journal:
    """Appends to a run's journal; what a resumed run logs a second time is left out."""

    def __init__(self, folder):
        self.folder = folder
        events, end = folder.events()
        self._seen = {(event["step"], key) for event in events for key in event.get("metrics", {})}
        self._file = open(folder.journal, "r+b")  # noqa: SIM115  open as long as the run
        self._file.truncate(end)  # a line that a killed process did not finish
        self._file.seek(end)

    def metrics(self, values, step):
        """Logs metrics at a step, each key and step once."""
        fresh = {key: float(value) for key, value in values.items() if (step, key) not in self._seen}
        if fresh:
            self._seen.update((step, key) for key in fresh)
            self.append({"metrics": fresh, "step": step})

    def append(self, event):
        """Writes one event; it survives the process, and after `sync` the machine."""
        self._file.write(json.dumps(event | {"time": int(time.time() * 1000)}).encode() + b"\n")
        self._file.flush()

    def sync(self):
        """Forces everything to the disk."""
        os.fsync(self._file.fileno())

    def close(self):
        """Syncs and closes."""
        self.sync()
        self._file.close()
