"""A pool of jobs on a Ray cluster: each job is a Ray task with its cores and GPUs.

The task starts the same process as on one machine (lab/runs/worker.py). Where the machines do not
share the folder of the runs, the run is sent to the task, and what it writes is fetched all the
time: journal, checkpoints, artifacts. So a task that dies is started again elsewhere from its last
checkpoint, and the courier on this machine delivers as always.

The laboratory and the experiment must be installed on every machine.
"""

import contextlib
import importlib.util
import os
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.errors import SettingError
from lab.runs import mirror
from lab.runs.header import Options
from lab.runs.jobs import Job
from lab.runs.paths import home
from lab.runs.ray_task import run_job
from lab.runs.run_folder import RunFolder, runs_folder

DIED = -9  # the code of a job whose process or machine is gone
PASSED_ON = ("KERAS_BACKEND", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS")


class Post:
    """An actor beside the driver. Tasks ask it whether to stop, and send it what runs write.

    It holds the locks of the runs whose tasks are elsewhere: they are RUNNING for everybody here.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._levels: dict[str, int] = {}
        self._locks: dict[str, contextlib.ExitStack] = {}

    def begin(self, name: str) -> bytes:
        """Takes the lock of a run. Returns its files."""
        self.end(name)
        run = RunFolder(self._folder / name)
        self._locks[name] = contextlib.ExitStack()
        if not self._locks[name].enter_context(run.lock("writer")):
            raise BlockingIOError(f"{name}: expected a run that no process is writing, received one that is running")
        return mirror.packed(run)

    def end(self, name: str) -> None:
        """Lets the lock of a run go."""
        self._levels.pop(name, None)
        if name in self._locks:
            self._locks.pop(name).close()

    def stop(self, name: str, level: int) -> None:
        """Has a job stopped: 1 at its next checkpoint, 2 at once."""
        self._levels[name] = max(level, self._levels.get(name, 0))

    def level(self, name: str, changes: list[mirror.Change]) -> int:
        """Writes what a run has written elsewhere. Returns how it is to be stopped, 0 for not."""
        mirror.write(RunFolder(self._folder / name), changes)
        return self._levels.get(name, 0)


class RayWorkers:
    """A `lab.runs.jobs.Pool` on a Ray cluster.

    Args:
        started_by: see `lab.runs.origin`.
        options: engine, jobs, cores_per_job, gpus_per_job and shared_folder.

    Raises:
        ValueError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, started_by: str, options: Options) -> None:
        self._ray = connected(options.engine)
        self._started_by, self._options = started_by, options
        self._cores = max(options.cores_per_job, 1)
        here = self._ray.get_runtime_context().get_node_id()
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        actor = self._ray.remote(num_cpus=0)(Post)
        self._post = actor.options(scheduling_strategy=strategy, max_concurrency=1).remote(str(runs_folder()))
        self._task = self._ray.remote(run_job)
        self._running: dict[Any, Job] = {}
        self._token = home() / "mlruns" / f".shared-{uuid.uuid4().hex}"
        if options.shared_folder:
            self._token.touch()

    def free(self) -> bool:
        """Whether the cluster has room for another job."""
        room = self._options.jobs or self._room()
        return len(self._running) < max(room, 1)

    def start(self, job: Job) -> None:
        """Starts a job."""
        shared = self._options.shared_folder
        files = None if shared else self._post.begin.remote(job.folder.name)
        task = self._task.options(num_cpus=self._cores, num_gpus=self._options.gpus_per_job, max_retries=0)
        where = (str(home()), str(self._token)) if shared else None
        settings = self._environment()
        reference = task.remote(self._post, self._started_by, job.folder.name, files, where, settings, os.getcwd())
        self._running[reference] = job

    def ended(self) -> list[tuple[Job, int]]:
        """The jobs that have ended since the last call, with their exit codes."""
        if not self._running:
            return []
        done, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0, fetch_local=False)
        return [self._ended(reference) for reference in done]

    def stop(self, job: Job | None, at_once: bool) -> None:
        """Stops a job, or all of them."""
        for each in self._running.values():
            if job in (None, each):
                self._post.stop.remote(each.folder.name, 1 + at_once)

    def close(self) -> None:
        """Ends all tasks, and the cluster if it was started here."""
        for reference in self._running:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=True)
        self._token.unlink(missing_ok=True)
        self._ray.shutdown()

    def _ended(self, reference: Any) -> tuple[Job, int]:
        job = self._running.pop(reference)
        try:
            answer: Mapping[str, Any] = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # the task's own code has failed
            raise SettingError(f"--engine: {job.title}: {str(error.cause).splitlines()[0]}") from error
        except self._ray.exceptions.RayError:  # its process or its machine is gone
            answer = {"code": DIED}
        self._ray.get(self._post.end.remote(job.folder.name))
        if answer.get("error"):
            raise SettingError(answer["error"])
        return job, answer["code"]

    def _room(self) -> int:
        have = self._ray.cluster_resources()
        room = int(have.get("CPU", 0) // self._cores)
        gpus = self._options.gpus_per_job
        return min(room, int(have.get("GPU", 0) // gpus)) if gpus else room

    def _environment(self) -> dict[str, str]:
        """Variables of the job. The number of threads decides bits."""
        threads = {name: str(self._cores) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
        return threads | {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def require_ray(engine: str) -> None:
    """Checks that Ray is installed and that something listens at the address of `engine`.

    Ray itself would try for long.

    Raises:
        ValueError: it is not, or nothing answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise ValueError("ray: expected it to be installed, received none; pip install '.[ray]'")
    address = engine.partition(":")[2]
    if address in ("", "auto"):
        return
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        if not place.hostname or not place.port:
            raise ValueError("none")
        socket.create_connection((place.hostname, place.port), timeout=5).close()
    except ValueError as error:
        raise ValueError(f"--engine: expected ray:HOST:PORT, received {engine!r}") from error
    except OSError as error:
        raise ValueError(f"--engine: expected a Ray cluster that answers at {address}, received {error}") from error


def connected(engine: str) -> Any:
    """Ray, connected to the cluster of `engine`: "ray" for one on this machine, or "ray:ADDRESS".

    Raises:
        ValueError: Ray is not installed, or no cluster answers there.
    """
    require_ray(engine)
    import ray
    import ray.util.scheduling_strategies

    address = engine.partition(":")[2]
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": True}
    alone: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", **alone, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        line = (str(error).strip() or repr(error)).splitlines()[0]
        where = address or "this machine"
        raise SettingError(f"--engine: expected a Ray cluster that answers at {where}, received {line}") from error
    return ray
