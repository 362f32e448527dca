"""The children of a run as jobs: processes side by side, a cluster, or printed as commands."""

import os
import shlex
import sys
from collections.abc import Sequence

from lab.errors import ChildError
from lab.runs import jobs, jobs_display, lifecycle, machine
from lab.runs.children import Family, Wanted
from lab.runs.header import LOCAL, Options
from lab.runs.paths import home
from lab.runs.run_folder import RunFolder
from lab.runs.workers import Workers


def asked(options: Options) -> bool:
    """Whether the flags ask for processes."""
    return bool(options.jobs) or options.engine != LOCAL


def require_engine(options: Options) -> None:
    """Raises a ValueError unless the engine that the flags ask for can be reached."""
    if options.engine != LOCAL:
        from lab.runs.ray_workers import require_ray

        require_ray(options.engine)


def threads(options: Options) -> dict[str, int]:
    """{"threads": cores of each job}, for the headers of jobs on this machine: it decides bits."""
    if options.engine != LOCAL or not options.jobs:
        return {}
    return {"threads": len(machine.shared_out(options.jobs, options.cores_per_job)[0])}


def make_pool(options: Options, started_by: str) -> jobs.Pool:
    """The pool that the flags ask for."""
    if options.engine == LOCAL:
        return Workers(started_by, machine.shared_out(max(options.jobs, 1), options.cores_per_job))
    from lab.runs.ray_workers import RayWorkers

    return RayWorkers(started_by, options)


class SideBySide:
    """Runs the children of a run as jobs. For `lab.runs.children.run_children`.

    When one fails, no new one is started and the others run to their ends.
    """

    def __init__(self, options: Options, started_by: str) -> None:
        self._options, self._started_by = options, started_by

    def __call__(self, family: Family, all_wanted: Sequence[Wanted]) -> None:
        """Runs the children that have not finished."""
        title = family.parent.header()["experiment"]
        family.extra |= threads(self._options)
        source = _Children(family, all_wanted)
        if source.left:
            done = len(all_wanted) - len(source.left)
            display = jobs_display.Display(title, len(all_wanted), done)
            jobs.work(source, make_pool(self._options, self._started_by), display)
        if source.failed:
            raise ChildError(*source.failed[0])


class _Children:
    """A `lab.runs.jobs.Source` of the children that have not finished."""

    def __init__(self, family: Family, all_wanted: Sequence[Wanted]) -> None:
        self._family = family
        self.left = [each for each in all_wanted if not family.has_finished(each)]
        self.failed: list[tuple[str, int]] = []

    def next(self) -> jobs.Job | None:
        if not self.left or self.failed:
            return None
        each = self.left.pop(0)
        return jobs.Job(self._family.child(each), each.title)

    def ended(self, job: jobs.Job, code: int) -> None:
        if code:
            self.failed.append((job.folder.name, code if code > 0 else 1))

    def unwanted(self, job: jobs.Job) -> bool:
        return False


def print_jobs(parent: RunFolder, all_wanted: Sequence[Wanted], options: Options) -> tuple[int, None]:
    """Makes the children of a run and prints a shell command for each that has not finished.

    On stderr comes the command that gathers their results. Returns (exit code, None).
    """
    with lifecycle.opened(parent) as writer:
        if writer is None:
            return 2, None
        family = Family(parent, writer, threads(options))
        for each in all_wanted:
            if not family.has_finished(each):
                print(command(family.child(each)))
    print(f"when all have ended, their means: {command(parent)}", file=sys.stderr)
    return 0, None


def command(folder: RunFolder) -> str:
    """The shell command that runs or resumes a run, from any folder."""
    variables = f"LAB_HOME={shlex.quote(str(home()))} KERAS_BACKEND={folder.header()['backend']}"
    return f"cd {shlex.quote(os.getcwd())} && {variables} {shlex.quote(sys.executable)} -m lab resume {folder.name}"
