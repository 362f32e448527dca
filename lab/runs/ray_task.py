"""A job as a Ray task, on the machine that Ray has chosen for it."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.runs import mirror
from lab.runs.jobs import Job
from lab.runs.run_folder import RunFolder
from lab.runs.workers import Worker

EVERY = 0.5  # seconds between two looks at the job


def run_job(
    post: Any,
    started_by: str,
    name: str,
    files: bytes | None,
    shared: tuple[str, str] | None,
    variables: Mapping[str, str],
    folder: str,
) -> dict[str, Any]:
    """Runs or resumes a run in a process of its own. Returns {"code": exit code}.

    Args:
        post: the actor `lab.runs.ray_workers.Post`.
        started_by: see `lab.runs.origin`.
        name: of the run.
        files: of the run, packed; None if it is on a folder that all machines share.
        shared: that folder, and a file in it that every machine must see.
        variables: for the environment of the process.
        folder: the current folder of the driver, which becomes that of the process if it exists.
    """
    import ray

    if shared is not None and not Path(shared[1]).exists():
        expected = f"{shared[0]} to be on a disk that all machines share"
        return {"code": 2, "error": f"--shared-folder: expected {expected}, received {socket.gethostname()}, which has another"}
    place = shared[0] if shared else tempfile.mkdtemp(prefix="lab-job-")
    run = RunFolder(Path(place) / "mlruns" / "runs" / name)
    try:
        if files is not None:
            mirror.unpack(files, run)
        source = None if shared else mirror.Source(run)
        where = folder if os.path.isdir(folder) else None
        worker = Worker(started_by, (), environment={**variables, "LAB_HOME": place}, folder=where, log=run.output)
        try:
            worker.run(Job(run, name))
            while True:
                code = worker.code()  # before the files are read: then they are complete
                level = ray.get(post.level.remote(name, source.changes() if source else []))
                if code is not None:
                    return {"code": code}
                if level:
                    worker.stop(at_once=level > 1)
                time.sleep(EVERY)
        finally:
            worker.close()
    finally:
        if shared is None:
            shutil.rmtree(place, ignore_errors=True)
