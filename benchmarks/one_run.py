"""One whole run of an experiment, in a home of its own."""

import dataclasses
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.runs.old_names import original
from lab.runs.run_folder import RunFolder


def digest(experiment: str, flags: Sequence[str]) -> str:
    """A digest of an experiment's default settings and flags.

    A run with another digest is a result of other settings. New names do not change it.
    """
    config = importlib.import_module(f"experiments.{experiment}").Config()
    settings = original(experiment, dataclasses.asdict(config))
    words = json.dumps([experiment, settings, list(flags)], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def measure(experiment: str, flags: Sequence[str], seed: int, environment: dict[str, str]) -> dict[str, Any]:
    """Runs `python -m experiments.<experiment> <flags> --seed <seed>`. Returns what it has found.

    Returns:
        Its results, and "seed", "samples_seen" (the last step it has logged, which may be less than
        was planned) and "minutes"; "steps" where that is a setting, and "last_checks", the last
        five greedy checks, where it has some.
    """
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{experiment}", *flags, "--seed", str(seed), "--tracking-uri", "none"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        began = time.monotonic()
        subprocess.run(command, env=os.environ | environment | {"LAB_HOME": home}, check=True, **quiet)
        minutes = round((time.monotonic() - began) / 60, 2)
        (path,) = Path(home).glob("mlruns/runs/*/run.json")
        folder = RunFolder(path.parent)
        metrics = folder.metrics()
        run = {name: round(value, 5) for name, value in folder.results().items()} | {"seed": seed, "minutes": minutes}
        run["samples_seen"] = max(step for points in metrics.values() for step, _ in points)
        if "steps" in (config := folder.header()["config"]):
            run["steps"] = config["steps"]
        if "check_return" in metrics:
            run["last_checks"] = [value for _, value in metrics["check_return"][-5:]]
        return run
