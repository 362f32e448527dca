"""What several processes cost: wall time of four seeds one after another, by --jobs 2, and by Ray.

python -m benchmarks.jobs_cost [--pairs 3] [--steps 20000]

Each is the whole command `python -m experiments.dqn_cartpole --seeds 4`, with start, imports and
compilation, and no tracking server. Ray is a cluster that the command starts on this machine. They
take turns. The machine is shared, so the medians are reported.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.machine import describe, keep

WAYS = {
    "one after another": [],
    "--jobs 2": ["--jobs", "2"],
    "--engine ray": ["--engine", "ray"],
    "--engine ray --shared-folder": ["--engine", "ray", "--shared-folder"],
}


def seconds(flags: list[str], steps: int) -> float:
    """Wall time of a command in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "experiments.dqn_cartpole", "--seeds", "4", "--steps", str(steps), *flags]
        began = time.perf_counter()
        subprocess.run(
            [*command, "--tracking-uri", "none"],
            env=os.environ | {"LAB_HOME": home},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - began


def main() -> None:
    """Runs the commands in turn and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3, help="turns of each")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps of each seed")
    flags = parser.parse_args()
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(flags.pairs):
        for way, words in WAYS.items():
            times[way].append(round(seconds(words, flags.steps), 2))
            print(way, times[way][-1], flush=True)
    usual = times["--jobs 2"]
    rows = {
        way: {
            "seconds": found,
            "median": round(statistics.median(found), 2),
            "ratio to --jobs 2": round(statistics.median(each / other for each, other in zip(found, usual)), 3),
        }
        for way, found in times.items()
    }
    about = {"experiment": "dqn_cartpole", "seeds": 4, "steps": flags.steps}
    keep("jobs_cost", {**about, "rows": rows} | describe("tensorflow", "keras", "ray"))


if __name__ == "__main__":
    main()
