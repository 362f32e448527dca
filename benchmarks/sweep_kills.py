"""Sweeps that are killed end with the trials of one that nobody killed: a count of differences.

python -m benchmarks.sweep_kills [--kills 2] [--trials 40]

Each row is a sweep of tests/runs/bowl.py by `python -m lab sweep`, once left alone and once killed
with SIGKILL at random moments and resumed. Compared are number, state, objective and settings of
all trials. Random and grid run with two jobs. What TPE, CMA-ES and --prune know depends on which
trial ended first, so they run with one.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import ROOT, describe, keep

RANGES = ["rate=log:1e-3:8", "size=1:64"]
ROWS = {
    "random, 2 jobs": [*RANGES, "--sampler", "random", "--jobs", "2"],
    "grid, 2 jobs": ["rate=0.05:1:0.1", "size=8,16,32,64", "--sampler", "grid", "--jobs", "2"],
    "tpe": [*RANGES, "--sampler", "tpe"],
    "cmaes": [*RANGES, "--sampler", "cmaes"],
    "tpe, pruned, 2 seeds": [*RANGES, "--sampler", "tpe", "--prune", "--seeds", "2"],
    "random, pruned": [*RANGES, "--sampler", "random", "--prune"],
}


def study(home: Path) -> Path | None:
    """The folder of the study, None before it exists."""
    return next(home.glob("mlruns/runs/bowl-study-*"), None)


def sweep(home: Path, words: list[str], kills: int, generator: random.Random) -> list[list[str]]:
    """The trials of a sweep that is killed so many times."""
    environment = os.environ | {"LAB_HOME": str(home), "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    first = [str(ROOT / "tests" / "runs" / "bowl.py"), *words, "wait=0.02", "--tracking-uri", "none"]
    settings = [word for word in first if "=" in word]
    first = [first[0], *settings, *[word for word in first[1:] if "=" not in word]]
    left = kills
    while True:
        folder = study(home)
        arguments = ["--resume", folder.name] if folder else first
        command = [sys.executable, "-m", "lab", "sweep", *arguments]
        with open(home / "log", "ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        if left:
            time.sleep(generator.uniform(5, 11))
            if process.poll() is None:
                process.kill()
                left -= 1
        code = process.wait()
        if code == 0:
            break
        if code > 0:
            raise RuntimeError((home / "log").read_text()[-2000:])
    if left:
        raise RuntimeError(f"expected {kills} kills, received {kills - left}: the sweep was too short")
    with open(study(home) / "artifacts" / "trials.csv") as file:  # type: ignore[operator]
        return [row[:-1] for row in csv.reader(file)]  # without the names of the runs


def main() -> None:
    """Kills sweeps and keeps what differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=2, help="of each sweep")
    parser.add_argument("--trials", type=int, default=40, help="of each sweep")
    flags = parser.parse_args()
    generator, rows = random.Random(), {}
    for name, words in ROWS.items():
        found = []
        for kills in (0, flags.kills):
            with tempfile.TemporaryDirectory() as home:
                found.append(sweep(Path(home), [*words, "--trials", str(flags.trials)], kills, generator))
        different = [one for one, other in zip(*found, strict=True) if one != other]
        states = [row[1] for row in found[0][1:]]
        rows[name] = {"trials": len(states), "stopped early": states.count("pruned"), "different": len(different)}
        print(name, rows[name], flush=True)
    keep("sweep_kills", {"kills": flags.kills, "rows": rows} | describe("optuna", "cmaes"))


if __name__ == "__main__":
    main()
