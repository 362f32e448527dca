"""What a person sees of several jobs: a bar for each on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any

from lab.runs.lifecycle import INTERRUPTED
from lab.runs.progress import started_bar, words_of
from lab.runs.run_folder import RunFolder

EVERY = 5.0  # seconds between two plain lines of one job


class _Shown:
    """A running job: what was read of its journal, and when it was last shown."""

    def __init__(self, folder: RunFolder, title: str, task: Any) -> None:
        self.title, self.task = title, task
        self.total = folder.header()["total_steps"]
        self.offset, self.step = folder.length(), 0
        self.metrics: dict[str, float] = {}
        self.last = time.monotonic()

    def read(self, folder: RunFolder) -> bool:
        """Reads what is new in the journal. Returns whether there were metrics."""
        end = folder.length()
        if end <= self.offset:
            return False
        found = [event for event, _ in folder.read(self.offset, end, key="metrics")]
        self.offset = end
        for event in found:
            self.step = max(self.step, event["step"])
            self.metrics |= event["metrics"]
        return bool(found)


class Display:
    """The progress of jobs that run side by side.

    Args:
        title: what is running.
        total: how many jobs there are.
        done: how many of them have ended before.
    """

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self._title, self._total, self._done = title, total, done
        self._bar: Any = None
        self._all: Any = None
        self._jobs: dict[str, _Shown] = {}

    def __enter__(self) -> "Display":
        if sys.stdout.isatty():
            self._bar = started_bar()
            self._all = self._bar.add_task(self._title, total=self._total, completed=self._done, values="jobs")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def started(self, folder: RunFolder, title: str, sentence: str = "") -> None:
        """Shows that a job has started, or has started again."""
        task = None
        if self._bar is not None:
            if before := self._jobs.get(folder.name):
                self._bar.remove_task(before.task)
            task = self._bar.add_task(f"  {title}", total=None, values="starting")
        self._jobs[folder.name] = _Shown(folder, title, task)
        if sentence:
            self.say(f"{title}: {sentence}")

    def update(self, folder: RunFolder) -> None:
        """Shows how far a job is."""
        job = self._jobs[folder.name]
        if not job.read(folder):
            return
        values = words_of(job.metrics)
        if self._bar is not None:
            self._bar.update(job.task, completed=job.step, total=job.total or None, values=values)
        elif time.monotonic() - job.last > EVERY:
            job.last = time.monotonic()
            total = f"/{job.total:,}" if job.total else ""
            print(f"{job.title}  {job.step:,}{total}  {values}", flush=True)

    def ended(self, folder: RunFolder, code: int) -> None:
        """Shows how a job has ended: its results, or where to read what went wrong."""
        job = self._jobs.pop(folder.name)
        self._done += code == 0
        if self._bar is not None:
            self._bar.remove_task(job.task)
            self._bar.update(self._all, completed=self._done)
        if code == 0:
            results = "  ".join(f"{name} {value:.4g}" for name, value in (folder.results() or {}).items())
            self.say(f"{job.title}: {results}   run {folder.name}   {self._done} of {self._total}")
        elif code == INTERRUPTED:
            self.say(f"{job.title}: stopped   run {folder.name}")
        else:
            self.say(f"{job.title}: failed: {reason(folder, code)}   run {folder.name}; what it printed: {folder.output}")

    def say(self, sentence: str) -> None:
        """Prints a line above the bars."""
        if self._bar is not None:
            self._bar.console.print(sentence, soft_wrap=True, markup=False, highlight=False)
        else:
            print(sentence, flush=True)


def reason(folder: RunFolder, code: int) -> str:
    """Why a run failed: the error in its journal, else the exit code of its process."""
    said = [event["tags"]["lab.error"] for event, _ in folder.read(key="tags") if "lab.error" in event["tags"]]
    return said[-1] if said else f"exit code {code}"
