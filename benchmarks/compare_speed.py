"""How long `python -m lab compare` takes, from the start of the process to its end.

python -m benchmarks.compare_speed [--repeats 5]

It compares runs that this script makes in an empty folder: 3 groups of 10 seeds, and 20 groups of
10 seeds. The journal of each run has 500 lines of 10 metrics. The comparison has 50,000
replications and is kept on the disk, with its figure. The machine may be shared, so the seconds of
the processor are reported too.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np

from benchmarks.machine import describe, keep
from lab.runs import events
from lab.runs.run_folder import RunFolder

LINES, METRICS, SEEDS = 500, 10, 10


def make(group: int, seed: int, generator: np.random.Generator) -> None:
    """Makes a run that has finished."""
    header = {
        "experiment": f"ppo_group{group}",
        "module": "",
        "config": {"environment": "Toy-v1", "rate": 0.001},
        "options": {"checkpoint_every": 0},
        "seed": seed,
        "backend": "tensorflow",
        "tracking_uri": "none",
        "total_steps": LINES,
        "versions": {},
        "about": {"expected": "greedy_return >= 475"},
        "digest": f"{group} {seed}",
    }
    folder = RunFolder.create(header)
    values = generator.normal(400 + group, 50, (LINES, METRICS))
    names = ["check_return", *(f"metric_{place}" for place in range(1, METRICS))]
    logged = [{"metrics": dict(zip(names, row.tolist())), "step": step} for step, row in enumerate(values)]
    ends = [{"results": {"greedy_return": float(values[-1, 0])}}, {"status": "FINISHED"}]
    with open(folder.journal, "wb") as file:
        for moment, event in enumerate([{"status": "RUNNING"}, *logged, *ends]):
            file.write(events.encode(event | {"time": 1000 * moment}))


def measure(groups: int, repeats: int) -> dict:
    """The seconds of whole processes that compare so many groups."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as home:
        variables = os.environ | {"LAB_HOME": home}
        os.environ["LAB_HOME"] = home
        for group in range(groups):
            for seed in range(SEEDS):
                make(group, seed, generator)
        names = [f"ppo_group{group}" for group in range(groups)]
        seconds, cpu = [], []
        for _ in range(repeats):
            began, before = time.perf_counter(), _children()
            command = [sys.executable, "-m", "lab", "compare", *names, "--tracking-uri", "none"]
            subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
            seconds.append(round(time.perf_counter() - began, 2))
            cpu.append(round(_children() - before, 2))
    print(f"{groups * SEEDS} runs: median {median(seconds)} s of {seconds}, of the processor {cpu}", flush=True)
    return {
        "runs": groups * SEEDS,
        "median": median(seconds),
        "seconds": seconds,
        "cpu_median": median(cpu),
        "cpu_seconds": cpu,
    }


def _children():
    """Seconds of the processor that child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measures both and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="processes of each")
    flags = parser.parse_args()
    rows = [measure(groups, flags.repeats) for groups in (3, 20)]
    keep("compare_speed", {"rows": rows} | describe("numpy", "scipy", "matplotlib"))


if __name__ == "__main__":
    main()
