"""Jobs: runs in processes of their own, side by side, and the loop that starts and watches them.

A job is a run folder. A *source* says which job is next and learns how each one ended: the seeds of
a run, or the trials of a sweep. A *pool* runs jobs: `lab.runs.workers` on this machine,
`lab.runs.ray_workers` on a Ray cluster.

A job whose process dies is started again from its checkpoint. A Ctrl-C stops all jobs at their next
checkpoints, a second one at once.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from lab.runs.jobs_display import Display
from lab.runs.lifecycle import INTERRUPTED
from lab.runs.run_folder import RunFolder
from lab.runs.track import Stopped

RESTARTS = 3  # of a job whose process died
POLL = 0.1  # seconds


class Job(NamedTuple):
    """A run to be run or resumed in a process of its own."""

    folder: RunFolder
    title: str  # "seed 3"


class Source(Protocol):
    """What says which jobs there are."""

    def next(self) -> Job | None:
        """The next job. None if there is none now: the running ones decide whether one follows."""

    def ended(self, job: Job, code: int) -> None:
        """Takes note of a job that has ended with this exit code."""

    def unwanted(self, job: Job) -> bool:
        """Whether a running job is to be stopped at once."""


class Pool(Protocol):
    """What runs jobs."""

    def free(self) -> bool:
        """Whether another job can be started now."""

    def start(self, job: Job) -> None:
        """Starts a job."""

    def ended(self) -> list[tuple[Job, int]]:
        """The jobs that have ended since the last call, with their exit codes.

        The code is negative if the process died: minus the number of the signal.
        """

    def stop(self, job: Job | None, at_once: bool) -> None:
        """Stops a job, or all of them, at the next checkpoint or at once."""

    def close(self) -> None:
        """Ends all processes."""


def work(source: Source, pool: Pool, display: Display) -> None:
    """Runs jobs until the source has no more and none is running.

    Raises:
        Stopped: after a Ctrl-C or SIGTERM, when every job has stopped.
    """
    running: dict[str, Job] = {}
    deaths: dict[str, int] = {}
    level = 0  # how the jobs were told to stop

    def start(job: Job, sentence: str = "") -> None:
        running[job.folder.name] = job
        display.started(job.folder, job.title, sentence)
        pool.start(job)

    with contextlib.closing(pool), display, _interrupts() as interrupts:
        while True:
            if min(len(interrupts), 2) > level:
                level += 1
                pool.stop(None, at_once=level > 1)
                if level == 1:
                    display.say("stopping each job at its next checkpoint; press Ctrl-C again to stop them at once")
            while not interrupts and pool.free() and (job := source.next()) is not None:
                start(job)
            if not running and interrupts:
                raise Stopped
            if not running:
                return
            for job, code in pool.ended():
                del running[job.folder.name]
                if code < 0 and not interrupts and deaths.setdefault(job.folder.name, 0) < RESTARTS:
                    deaths[job.folder.name] += 1
                    start(job, f"its process died by signal {-code}; started again from its checkpoint")
                else:
                    code = INTERRUPTED if code < 0 and interrupts else code  # it goes on from its checkpoint later
                    display.ended(job.folder, code)
                    source.ended(job, code)
            for job in running.values():
                display.update(job.folder)
                if source.unwanted(job):
                    pool.stop(job, at_once=True)
            time.sleep(POLL)


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Yields a list that gets the number of each SIGINT and SIGTERM.

    The handler does no more: it may come while a line is being written to a process or the screen.
    """
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, frame: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
