"""Whether a change made something slower: whole runs of this checkout and of another one, in turn.

python -m benchmarks.against FOLDER [--rounds 5] [--only "DQN, host"]

FOLDER is a checkout of the commit to compare with, for example of `git worktree add`. Each case is
an experiment; its speed is the median of the run's own `…_per_second`, the first report, in which
programs are compiled, left out. A round runs both checkouts, the order alternates. Reported is the
median over rounds of the ratio of times, this checkout's over the other's; below 1 it is faster.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import ROOT, describe, keep
from lab.runs.run_folder import RunFolder

FEW = ["--evaluation-episodes", "1", "--check-episodes", "0"]
# case: (experiment, flags, the metric)
CASES = {
    "DQN, host": ("dqn_cartpole", ["--steps", "20000", *FEW], "steps_per_second"),
    "DQN, device": ("dqn_cartpole", ["--steps", "20000", "--device", *FEW], "steps_per_second"),
    "PPO, host": ("ppo_cartpole", ["--steps", "50000", *FEW], "steps_per_second"),
    "PPO, device": ("ppo_cartpole", ["--steps", "200000", "--device", *FEW], "steps_per_second"),
    "SAC": ("sac_pendulum", ["--steps", "6000", *FEW], "steps_per_second"),
    "DCGAN": ("dcgan_glyphs", ["--epochs", "4", "--samples", "2000"], "images_per_second"),
    "R3GAN, R1 and R2": ("r3gan_glyphs", ["--epochs", "3", "--samples", "1000"], "images_per_second"),
    "R3GAN, R1 and R2 in each update": (
        "r3gan_glyphs",
        ["--players", "residual", "--penalty-interval", "1", "--epochs", "3", "--samples", "500"],
        "images_per_second",
    ),
    "mixture, R1 and R2": ("gan_ring", ["--family", "r3gan", "--epochs", "6"], "images_per_second"),
    "ResNet-20": (
        "resnet_depth",
        ["--form", "residual", "--depth", "20", "--epochs", "4", "--samples", "2000"],
        "examples_per_second",
    ),
    "GRU": ("adding_problem", ["--cell", "gru", "--length", "50", "--epochs", "6"], "examples_per_second"),
}


def speed(checkout, experiment, flags, metric):
    """The median speed of one run."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{experiment}", *flags, "--tracking-uri", "none"]
        environment = os.environ | {"LAB_HOME": home, "PYTHONPATH": str(checkout)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        done = subprocess.run(command, cwd=checkout, env=environment, text=True, check=False, **quiet)
        if done.returncode:
            raise RuntimeError(f"{experiment} in {checkout}: {done.stderr.strip().splitlines()[-1:]}")
        (path,) = Path(home).glob("mlruns/runs/*/run.json")
        values = [value for _, value in RunFolder(path.parent).metrics()[metric]]
    return statistics.median(values[1:] or values)


def main():
    """Measures and keeps the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    flags = parser.parse_args()
    other = flags.other.resolve()
    git = ["git", "-C", str(other), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    rows = {}
    for name in flags.only:
        ratios = []
        for turn in range(flags.rounds):
            found = {}
            for checkout in (ROOT, other) if turn % 2 else (other, ROOT):
                found[checkout] = speed(checkout, *CASES[name])
            ratios.append(round(found[other] / found[ROOT], 3))
        rows[name] = {"ratio": statistics.median(ratios), "rounds": ratios}
        print(name, rows[name], flush=True)
        keep("against", {"against": commit, "rows": rows} | describe("tensorflow", "keras", "numpy"))


if __name__ == "__main__":
    main()
