"""Contenders: processes that work when they are told to, so that several libraries take turns."""

import json
import os
import statistics
import subprocess
import sys
import time


class Contender:
    """A process of `python -m module --serve arguments...`, which must call `serve`.

    Args:
        module: such as "benchmarks.rl_throughput".
        backend: KERAS_BACKEND of the process. On TensorFlow every contender has oneDNN, which
            `import lab` turns on.
    """

    def __init__(self, module, *arguments, backend):
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
        command = [sys.executable, "-m", module, "--serve", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)
        assert self.process.stdout.readline() == "ready\n", f"{module} {arguments} {backend} did not start"

    def speed(self, steps):
        """Steps per second over at least so many steps."""
        print(steps, file=self.process.stdin, flush=True)
        done, seconds = json.loads(self.process.stdout.readline())
        return done / seconds

    def end(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def take_turns(contenders, rounds, updates, bases, **labels):
    """A row for each contender: milliseconds per update in each round, and medians of ratios.

    Args:
        contenders: {name: Contender}; they are ended.
        bases: names of those that all are compared with.
        labels: more fields of every row.
    """
    times: dict = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            times[name].append(1000 / contender.speed(updates))
    for contender in contenders.values():
        contender.end()
    rows = []
    for name, values in times.items():
        row = labels | {"contender": name, "milliseconds": [round(value, 1) for value in values]}
        for base in bases:
            ratios = [value / other for value, other in zip(values, times[base], strict=True)]
            row[f"ratio_to_{base.replace(', ', '_').replace(' ', '_')}"] = round(statistics.median(ratios), 3)
        rows.append(row)
        print(row, flush=True)
    return rows


def compare_speeds(contenders, rounds, steps, label=""):
    """A row for each contender: steps per second in each round, and the ratios to the first one's.

    Args:
        contenders: {name: Contender}; they are ended.
        steps: function of a name, the steps of its turn.
        label: stands before each printed line.
    """
    speeds: dict = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            speeds[name].append(contender.speed(steps(name)))
    for contender in contenders.values():
        contender.end()
    base = next(iter(speeds))
    rows = []
    for name, values in speeds.items():
        ratios = [value / other for value, other in zip(values, speeds[base], strict=True)]
        rows.append(
            {
                "contender": name,
                "steps_per_second": [round(value) for value in values],
                "ratio": [round(ratio, 2) for ratio in ratios],
                "median_ratio": round(statistics.median(ratios), 2),
            }
        )
        print(
            f"{label}{name:26s} {statistics.median(values):10,.0f} steps/s   {rows[-1]['median_ratio']:.2f} x {base}",
            flush=True,
        )
    return rows


def serve(go, *warm):
    """A contender's process. It reads numbers of steps, and answers each with steps and seconds.

    Args:
        go: function of a number of steps, which returns how many it has made.
        warm: numbers of steps to make first, until everything is compiled.
    """
    for steps in warm:
        go(steps)
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        done = go(int(line))
        print(json.dumps([done, time.perf_counter() - began]), flush=True)
