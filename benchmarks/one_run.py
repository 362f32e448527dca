"""One whole run of an experiment, in a home of its own."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe
from lab.runs.run_folder import RunFolder


def measure(experiment, arguments, seed):
    """Its results, with the seed, the samples it saw, its minutes and the commit."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{experiment}", *arguments, "--seed", str(seed), "--tracking-uri", "none"]
        began = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, env=os.environ | {"LAB_HOME": home}, check=True, **quiet)
        minutes = round((time.monotonic() - began) / 60, 2)
        (path,) = Path(home).glob("mlruns/runs/*/run.json")
        folder = RunFolder(path.parent)
        found = {name: round(value, 5) for name, value in folder.results().items()}
        seen = max(step for points in folder.metrics().values() for step, _ in points)  # may be fewer than were planned
        return found | {"seed": seed, "samples_seen": seen, "minutes": minutes, "commit": describe()["commit"]}
