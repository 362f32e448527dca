"""What tracking costs: wall time of a whole DQN run with MLflow, over that without.

python -m benchmarks.tracking_cost [--pairs 12]

Whole processes alternate, over one local store that exists already. There are two figures: for the
training, from the first to the last report, while the courier shares the machine; and for the whole
process, with imports, the last delivery and the logged model. The machine is shared, and the ratio
of one pair varies by some 10 %. So the geometric mean over the pairs is reported, with its 95 %
interval.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import describe, keep
from lab.runs.intervals import half_width
from lab.runs.run_folder import RunFolder


def once(home, arguments):
    """Runs an experiment. Returns (seconds of training, seconds of the process)."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "experiments.dqn_cartpole", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, env=os.environ | {"LAB_HOME": home}, check=True, **quiet)
    whole = time.perf_counter() - began
    newest = max(Path(home).glob("mlruns/runs/*/run.json"), key=lambda path: path.stat().st_mtime)
    events, _ = RunFolder(newest.parent).events()
    times = [event["time"] for event in events if "metrics" in event]
    return (times[-2] - times[0]) / 1000, whole


def main():
    """Runs the pairs and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=12, help="runs with and without tracking")
    parser.add_argument("--steps", default="50000", help="environment steps of each run")
    flags = parser.parse_args()
    times = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as home:
        once(home, ["--smoke"])  # makes the store
        for pair in range(flags.pairs):
            for kind in ("with", "without") if pair % 2 else ("without", "with"):
                extra = [] if kind == "with" else ["--tracking-uri", "none"]
                times[kind].append(once(home, ["--steps", flags.steps, *extra]))
                print(kind, times[kind][-1], flush=True)
    result = {"steps": int(flags.steps), "seconds (training, whole process)": times}
    for position, name in enumerate(("training", "process")):
        ratios = [a[position] / b[position] for a, b in zip(times["with"], times["without"], strict=True)]
        logs = np.log(ratios)
        spread = half_width(logs)
        summary = {"mean": np.exp(logs.mean()), "low": np.exp(logs.mean() - spread), "high": np.exp(logs.mean() + spread)}
        summary["median"] = np.median(ratios)
        result[name] = {key: round(float(value), 4) for key, value in summary.items()} | {
            "ratios": np.round(ratios, 4).tolist()
        }
        print(
            f"{name}: {summary['mean']:.3f} times without tracking, 95 % interval {summary['low']:.3f} to {summary['high']:.3f}"
        )
    keep("tracking_cost", result | describe("tensorflow", "keras", "mlflow"))


if __name__ == "__main__":
    main()
