"""What tracking costs: wall time of a whole DQN run with MLflow, against the same run that stays on the disk.

python -m benchmarks.tracking_cost [--pairs 5]

Whole processes from start to exit, alternating, over one local store that exists already. Two figures: of the training (from
the first to the last report, when the courier shares the machine) and of the whole process (imports, waiting for the last
delivery and the logged model included).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe, keep
from lab.journal import RunFolder


def once(home, arguments):
    """(seconds of training, seconds of the process) of one run."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "experiments.dqn_cartpole", *arguments],
        env=os.environ | {"LAB_HOME": home}, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    whole = time.perf_counter() - began
    newest = max(Path(home).glob("mlruns/runs/*/run.json"), key=lambda path: path.stat().st_mtime)
    events, _ = RunFolder(newest.parent).events()
    times = [event["time"] for event in events if "metrics" in event]
    return (times[-2] - times[0]) / 1000, whole


def main():
    """Runs the pairs and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="runs with and without tracking")
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
        result[f"{name}_ratios"] = [round(ratio, 4) for ratio in ratios]
        result[f"{name}_median_ratio"] = round(statistics.median(ratios), 4)
        print(f"{name}: {result[f'{name}_median_ratio']:.3f} times without tracking")
    keep("tracking_cost", result | describe("tensorflow", "keras", "mlflow"))


if __name__ == "__main__":
    main()
