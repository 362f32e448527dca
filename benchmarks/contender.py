"""A process that does so much work when it is told to, so that contenders of several libraries can take turns."""

import json
import os
import statistics
import subprocess
import sys
import time


class Contender:
    """A module run with `--serve arguments...`, which must call `serve`.

    Args:
        module: such as "benchmarks.rl_throughput".
        backend: KERAS_BACKEND of the process. On TensorFlow every contender has oneDNN, which the lab would have anyway.
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
    """A row for each contender: milliseconds per update in each round, and the medians of their ratios to those of some.

    Args:
        contenders: {name: Contender}; they are ended.
        bases: names that all are compared with.
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


def serve(go, *warm):
    """A contender's process: a number of steps on each line of its input, steps and seconds on each of its output.

    Args:
        go: function of steps, which returns how many it was.
        warm: steps to make first, until everything is compiled.
    """
    for steps in warm:
        go(steps)
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        done = go(int(line))
        print(json.dumps([done, time.perf_counter() - began]), flush=True)
