"""Kills runs with SIGKILL again and again, resumes them, and compares them bit for bit with runs left alone.

python -m benchmarks.kill_and_resume [--kills 20] [--only gan_ring conditional_gan_glyphs]

On each backend runs of each kind are killed at random moments: while Python still imports, before the first checkpoint, while training, and
while a checkpoint is being written. Compared at the end: every variable of the last checkpoint (weights, averages, optimizers, replay,
environments, random states), the whole metric history, the results, and the pictures that were drawn while training.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import RESULTS, describe, keep
from lab import checkpoint
from lab.journal import RunFolder

COMMON = ["--evaluation-episodes", "5", "--tracking-uri", "none"]
SETTINGS = ["--steps", "16000", "--hidden", "64", "64", "--updates", "64", "--checkpoint-every", "1024"]
SETTINGS += ["--check-episodes", "3", *COMMON]
GAN = ["--epochs", "60", "--batch-size", "20", "--tracking-uri", "none"]
RING = ["--samples", "1600", "--generator-units", "16", "--discriminator-units", "8", *GAN, "--checkpoint-every", "10000"]
GLYPHS = [
    *GAN,
    "--samples",
    "200",
    "--filters",
    "2",
    "--latent",
    "4",
    "--evaluation-samples",
    "50",
    "--checkpoint-every",
    "1000",
]
KINDS = {  # name: (experiment, settings, further arguments)
    "dqn_cartpole, host environments": ("dqn_cartpole", SETTINGS, ()),
    "dqn_cartpole, device environments": ("dqn_cartpole", SETTINGS, ("--device",)),
    "gan_ring": ("gan_ring", RING, ()),
    "conditional_gan_glyphs": ("conditional_gan_glyphs", GLYPHS, ()),
}
DRAWN = ("samples-*.png", "plane-*.png", "training.gif", "interpolation.gif")
TIMED = ("steps_per_second", "images_per_second", "examples_per_second")  # wall time is nobody's to repeat


class Run:
    """An experiment process over a home folder of its own."""

    def __init__(self, home, backend, seed, arguments=(), *, experiment="dqn_cartpole", settings=SETTINGS):
        self.home, self.arguments = Path(home), [*settings, "--seed", str(seed), *arguments]
        self.experiment = experiment
        self.environment = os.environ | {"LAB_HOME": str(home), "KERAS_BACKEND": backend}
        self.process, self.kills = None, 0

    def folder(self):
        """The run's folder, or None while there is none."""
        found = list((self.home / "mlruns" / "runs").glob("[!.]*/run.json"))  # not one that is being made
        return RunFolder(found[0].parent) if found else None

    def start(self):
        """Starts the run, or resumes it where it was begun."""
        folder = self.folder()
        arguments = ["--resume", folder.name] if folder else self.arguments
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"experiments.{self.experiment}", *arguments],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def finish(self):
        """Waits for the end, which must be a good one."""
        _, errors = self.process.communicate(timeout=300)
        if self.process.returncode:
            raise RuntimeError(f"expected exit code 0, received {self.process.returncode}: {errors.decode()[-2000:]}")

    def kill(self):
        """SIGKILL; a process that had ended is not counted."""
        self.kills += self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def checkpoints(self):
        """The names of the checkpoints now."""
        folder = self.folder()
        return sorted(path.name for path in folder.checkpoints.glob("step-*")) if folder else []

    def wait_for(self, condition, patience=120, between=0.005):
        """Waits until `condition()` holds; False where the run ended or time ran out first. Looks every `between` seconds."""
        end = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < end:
            if condition():
                return True
            time.sleep(between)
        return False

    def kill_before_first_checkpoint(self):
        """Kills as soon as something was logged but nothing saved."""
        self.wait_for(lambda: self.folder() and self.folder().metrics() and not self.checkpoints())
        had_none = not self.checkpoints()
        self.kill()
        return had_none

    def kill_during_write(self):
        """Kills while a checkpoint is half written; True where the half is left behind."""
        self.wait_for(lambda: self.folder() and list(self.folder().checkpoints.glob(".*.partial")), between=0.0005)
        self.kill()
        return bool(list(self.folder().checkpoints.glob(".*.partial")))

    def kill_after(self, seconds, *, training):
        """Kills some time after the start or, with `training`, after the first new metric; False where the run had ended."""
        logged = self.folder().events()[1]
        if training:
            self.wait_for(lambda: self.folder().events()[1] > logged + 500)
        time.sleep(seconds)
        alive = self.process.poll() is None
        self.kill()
        return alive

    def state(self):
        """Everything that must not depend on interruptions."""
        folder = self.folder()
        tensors, metadata = checkpoint.read(folder.checkpoints / self.checkpoints()[-1])
        metrics = {key: points for key, points in folder.metrics().items() if key not in TIMED}
        drawn = [path for pattern in DRAWN for path in folder.artifacts.glob(pattern)]
        return tensors, metadata, metrics, folder.results(), {path.name: path.read_bytes() for path in drawn}


def differences(one, other):
    """What differs between two `Run.state()`s, as a list of names."""
    found = [name for name in one[0].keys() | other[0].keys() if not _same(one[0].get(name), other[0].get(name))]
    found += [f"metric {key}" for key in one[2].keys() | other[2].keys() if one[2].get(key) != other[2].get(key)]
    found += [name for name, a, b in zip(("checkpoint header", "results"), one[1::2], other[1::2]) if a != b]
    found += [name for name in one[4].keys() | other[4].keys() if one[4].get(name) != other[4].get(name)]
    return sorted(found)


def _same(a, b):
    return a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b)


def main():
    """Runs everything and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="kills of each kind on each backend")
    parser.add_argument("--only", nargs="*", default=list(KINDS), choices=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    flags = parser.parse_args()
    path = RESULTS / "kill_and_resume.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    rows = [row for row in rows if row["kind"] not in flags.only]
    for kind in flags.only:
        for backend in ("tensorflow", "jax"):
            rows.append(torture(kind, backend, flags.kills))
            print(rows[-1], flush=True)
            keep("kill_and_resume", {"rows": rows})
    sys.exit(any(row["differences"] for row in rows))


def torture(kind, backend, kills):
    """Kills runs of one kind `kills` times in all, and compares each with its undisturbed twin."""
    experiment, settings, arguments = KINDS[kind]
    options = {"arguments": arguments, "experiment": experiment, "settings": settings}
    rng = random.Random(f"{backend} {kind}")
    row = {"kind": kind, "backend": backend, "runs": 0, "kills": 0, "before_first_checkpoint": 0, "during_a_write": 0}
    row |= {"while_starting": 0, "while_training": 0, "differences": []}
    row |= describe("tensorflow", "jax", "keras", "gymnasium")
    while row["kills"] < kills:
        seed = row["runs"]
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            alone, disturbed = Run(one, backend, seed, **options), Run(two, backend, seed, **options)
            alone.start()
            alone.finish()
            disturbed.start()
            row["before_first_checkpoint"] += disturbed.kill_before_first_checkpoint()
            disturbed.start()
            row["during_a_write"] += disturbed.kill_during_write()
            for moment in ("training", "training", "starting", "training", "training"):
                disturbed.start()
                training = moment == "training"
                if not disturbed.kill_after(rng.uniform(0.0, 1.0 if training else 5.0), training=training):
                    break
                row[f"while_{moment}"] += 1
            if disturbed.folder().status() != "FINISHED":
                disturbed.start()
                disturbed.finish()
            row["differences"] += differences(alone.state(), disturbed.state())
            row["kills"] += disturbed.kills
            row["runs"] += 1
    return row


if __name__ == "__main__":
    main()
