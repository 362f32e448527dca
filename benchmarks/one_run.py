"""One whole run of an experiment, in a home of its own, which is kept until the run has ended."""

import dataclasses
import hashlib
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT
from lab.runs.old_names import original
from lab.runs.run_folder import RunFolder

MEASURED = ROOT / ".cache" / "measured"


def digest(experiment: str, flags: Sequence[str]) -> str:
    """A digest of an experiment's default settings and flags.

    A run with another digest is a result of other settings. New names do not change it.
    """
    config = importlib.import_module(f"experiments.{experiment}").Config()
    settings = original(experiment, dataclasses.asdict(config))
    words = json.dumps([experiment, settings, list(flags)], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def measure(experiment: str, flags: Sequence[str], seed: int, environment: dict[str, str], commit: str = "") -> dict[str, Any]:
    """Runs `python -m experiments.<experiment> <flags> --seed <seed>`. Returns what it has found.

    A run that was stopped is resumed if the code is that of the same commit, without changes.

    Returns:
        Its results, and "seed", "samples_seen" (the last step it has logged, which may be less than
        was planned), "minutes" and "processor_minutes" unless it was resumed; "steps" where that is
        a setting, and "last_checks", the last five greedy checks, where it has some.
    """
    home = place(experiment, flags, seed, environment, commit)
    begun = next(home.glob("mlruns/runs/*/run.json"), None)
    status = RunFolder(begun.parent).status() if begun else ""
    if status == "RUNNING":
        raise RuntimeError(f"{home}: expected that no other process measures this, received one that does")
    if resumed := status == "KILLED" and bool(commit) and not commit.endswith("-dirty"):
        command = ["lab", "resume", begun.parent.name]
    else:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        command = [f"experiments.{experiment}", *flags, "--seed", str(seed), "--tracking-uri", "none"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    began, used = time.monotonic(), of_children()
    subprocess.run(
        [sys.executable, "-m", *command], env=os.environ | environment | {"LAB_HOME": str(home)}, check=True, **quiet
    )
    minutes, used = (time.monotonic() - began) / 60, (of_children() - used) / 60
    (path,) = home.glob("mlruns/runs/*/run.json")
    folder = RunFolder(path.parent)
    metrics = folder.metrics()
    run = {name: round(value, 5) for name, value in folder.results().items()} | {"seed": seed}
    if not resumed:
        run |= {"minutes": round(minutes, 2), "processor_minutes": round(used, 2)}
    run["samples_seen"] = max(step for points in metrics.values() for step, _ in points)
    if "steps" in (config := folder.header()["config"]):
        run["steps"] = config["steps"]
    if "check_return" in metrics:
        run["last_checks"] = [value for _, value in metrics["check_return"][-5:]]
    shutil.rmtree(home)
    return run


def place(experiment: str, flags: Sequence[str], seed: int, environment: dict[str, str], commit: str) -> Path:
    """The home of a run while it is measured."""
    words = json.dumps([digest(experiment, flags), seed, environment, commit], sort_keys=True)
    return MEASURED / hashlib.sha256(words.encode()).hexdigest()[:12]


def of_children() -> float:
    """The processor's seconds in all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
