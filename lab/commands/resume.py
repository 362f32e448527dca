"""`python -m lab resume`: goes on with an interrupted run."""

import os
import sys
from collections.abc import Sequence

from lab.commands import shared
from lab.runs import origin, paths, run_folder


def main(argv: Sequence[str]) -> int:
    """Replaces this process by a run's experiment, with --resume. So signals reach the run."""
    run_id, rest = shared.run_id("resume", argv)
    folder = run_folder.find(run_id)
    started_by = folder.header()["module"]
    if not started_by:
        raise ValueError(
            f"run id: expected a run of an experiment, received {folder.name}, which a notebook or a script made itself"
        )
    if folder.header().get("kind") == "study":
        words = ["-m", "lab", "sweep"]
    else:
        origin.require_experiment(started_by)
        words = origin.command_line(started_by)
    os.environ["LAB_HOME"] = str(paths.home())  # where the run was found
    os.execv(sys.executable, [sys.executable, *words, "--resume", folder.name, *rest])
