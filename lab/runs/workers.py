"""A pool of processes on this machine. Each imports Keras once and runs many jobs, one by one.

What a process (lab/runs/worker.py) is told and what it answers are lines of JSON on its stdin and
its stdout. What its runs print goes to `output.log` in their folders.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.runs.jobs import Job
from lab.runs.paths import home


class Worker:
    """A process that runs jobs of one experiment.

    Args:
        started_by: see `lab.runs.origin`.
        cores: those that it may use; all, if there are none.
        environment: variables that differ from those of this process.
        folder: the current folder of the process, by default that of this process.
        log: a file for what it prints before its first job, by default the stderr of this process.
    """

    def __init__(
        self,
        started_by: str,
        cores: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        log: Path | None = None,
    ) -> None:
        self.job: Job | None = None
        self._stopped = 0
        self._ready = False
        command = [sys.executable, "-m", "lab.runs.worker", started_by, ",".join(map(str, cores))]
        with open(log, "ab") if log else contextlib.nullcontext() as stderr:
            self.process = subprocess.Popen(
                command,
                stderr=stderr,
                env=os.environ | {"LAB_HOME": str(home())} | dict(environment or {}),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C of the terminal is not for it
            )
        os.set_blocking(self.process.stdout.fileno(), False)  # type: ignore[union-attr]
        self._answers = b""

    def run(self, job: Job) -> None:
        """Starts a job."""
        self.job, self._stopped = job, 0
        self.tell({"run": job.folder.name})

    def stop(self, at_once: bool) -> None:
        """Stops the job at its next checkpoint, or at once."""
        if self._stopped < 1 + at_once:
            self._stopped = 1 + at_once
            self.tell({"stop": self._stopped})

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a message. A process that has died is found by `code`."""
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except (BrokenPipeError, ValueError):
            pass

    def code(self) -> int | None:
        """The exit code of the job, None while it runs, minus the signal if the process died."""
        died = self.process.poll()  # before its last answers are read
        self._answers += self.process.stdout.read() or b""  # type: ignore[union-attr]
        while b"\n" in self._answers:
            line, _, self._answers = self._answers.partition(b"\n")
            answer = json.loads(line)
            if "code" in answer:
                return answer["code"]
            self._ready = True
        if died is None:
            return None
        return -abs(died or signal.SIGKILL) if self._ready or died < 0 else died or 1

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):  # it has died, and what it was told last is lost
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Workers:
    """A `lab.runs.jobs.Pool` of processes on this machine.

    Args:
        started_by: see `lab.runs.origin`.
        cores: those of each process; see `lab.runs.machine.shared_out`.
    """

    def __init__(self, started_by: str, cores: Sequence[Sequence[int]]) -> None:
        self._started_by, self._cores = started_by, cores
        self._workers: list[Worker | None] = [None] * len(cores)

    def free(self) -> bool:
        """Whether a place has no job."""
        return any(worker is None or worker.job is None for worker in self._workers)

    def start(self, job: Job) -> None:
        """Starts a job in the first place that has none."""
        place = next(place for place, worker in enumerate(self._workers) if worker is None or worker.job is None)
        worker = self._workers[place] or Worker(self._started_by, self._cores[place])
        self._workers[place] = worker
        worker.run(job)

    def ended(self) -> list[tuple[Job, int]]:
        """The jobs that have ended since the last call, with their exit codes."""
        found = []
        for place, worker in enumerate(self._workers):
            if worker is None or worker.job is None or (code := worker.code()) is None:
                continue
            found.append((worker.job, code))
            worker.job = None
            if worker.process.poll() is not None:
                self._workers[place] = None
        return found

    def stop(self, job: Job | None, at_once: bool) -> None:
        """Stops a job, or all of them."""
        for worker in filter(None, self._workers):
            if worker.job is not None and job in (None, worker.job):
                worker.stop(at_once)

    def close(self) -> None:
        """Ends all processes."""
        for worker in filter(None, self._workers):
            worker.close()
