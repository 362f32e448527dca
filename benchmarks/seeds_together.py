"""Seeds as one program: `--seeds 10 --together`, against `--seeds 10 --jobs 2`, on JAX.

python -m benchmarks.seeds_together [--only ppo_cartpole] [--pairs 3]

Wall time includes the start and the compilation, and everything that a run does at its end. Steps
per second are those of learning: the median over the reports, times the seeds that learn at the
same time. The two sides take turns. GANs count images instead of steps. Results are added to the
kept ones.

The sides differ in two ways. Together, greedy episodes are played on the device; the jobs play them
in Gymnasium's environments. And together only the first seed draws its episode.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import RESULTS, ROOT, describe, keep
from lab.runs.run_folder import RunFolder

EXPERIMENTS = {
    "ppo_cartpole": ["--device"],
    "a2c_cartpole": ["--device"],
    "dqn_cartpole": ["--device"],
    "sac_pendulum": ["--device", "--steps", "4000"],
    "gan_ring": ["--epochs", "4", "--samples", "20000"],
}
SEEDS = 10


SIDES = {"together": ["--together"], "jobs": ["--jobs", "2"]}
AT_ONCE = {"together": SEEDS, "jobs": 2}  # seeds that learn at the same time


def side(experiment, flags, name):
    """(wall time, steps per second) of a side."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{experiment}", *flags, "--seeds", str(SEEDS), *SIDES[name]]
        began = time.perf_counter()
        subprocess.run(
            [*command, "--tracking-uri", "none"],
            cwd=ROOT,
            env=os.environ | {"LAB_HOME": home, "KERAS_BACKEND": "jax"},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wall = time.perf_counter() - began
        return wall, AT_ONCE[name] * float(np.median(rates(Path(home))))


def rates(home):
    """Steps per second in each report of each child run but its first, which compiles."""
    found = []
    for path in home.glob("mlruns/runs/*"):
        folder = RunFolder(path)
        if "parent" in folder.header():
            metrics = folder.metrics()
            points = metrics.get("steps_per_second") or metrics["images_per_second"]
            found += [value for _, value in points[1:]]
    return found


def compare(experiment, flags, pairs):
    """Both sides in turn."""
    found = {name: {"seconds": [], "steps per second": []} for name in SIDES}
    for pair in range(pairs):
        for name in list(SIDES)[:: 1 if pair % 2 else -1]:
            wall, rate = side(experiment, flags, name)
            found[name]["seconds"].append(round(wall, 2))
            found[name]["steps per second"].append(round(rate))
            print(experiment, name, f"{wall:.1f} s, {rate:,.0f} steps per second, load {os.getloadavg()[0]:.1f}", flush=True)
    one, other = found["together"], found["jobs"]
    ratios = {key: round(float(np.median(np.divide(one[key], other[key]))), 3) for key in one}
    print(experiment, "ratios", ratios, flush=True)
    return {"flags": flags, "ratios": ratios, **found, "load at the end": round(os.getloadavg()[0], 2)}


def main():
    """Compares the experiments and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=EXPERIMENTS, help="one experiment")
    parser.add_argument("--pairs", type=int, default=3, help="turns of each side")
    flags = parser.parse_args()
    path = RESULTS / "seeds_together.json"
    kept = json.loads(path.read_text())["experiments"] if path.exists() else {}
    for experiment in [flags.only] if flags.only else EXPERIMENTS:
        kept[experiment] = compare(experiment, EXPERIMENTS[experiment], flags.pairs)
        keep("seeds_together", {"seeds": SEEDS, "experiments": kept} | describe("jax", "keras", "numpy"))


if __name__ == "__main__":
    main()
