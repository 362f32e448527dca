"""Experiments in their own processes, killed at chosen moments, and brief settings for them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.attack_kills import folder_of, state

COMMON = ["--evaluation-episodes", "5", "--tracking-uri", "none"]
SETTINGS = ["--steps", "8000", "--hidden", "64", "64", "--updates", "64", "--checkpoint-every", "1024"]
SETTINGS += ["--check-episodes", "3", *COMMON]
GAN = ["--epochs", "16", "--batch-size", "20", "--tracking-uri", "none"]
RING = ["--samples", "1600", "--generator-units", "16", "--discriminator-units", "8", *GAN, "--checkpoint-every", "10000"]
GLYPHS = [*GAN, "--samples", "200", "--filters", "2", "--latent", "4", "--evaluation-samples", "50"]
GLYPHS += ["--checkpoint-every", "500"]


class Run:
    """A process of an experiment, with its own home folder."""

    def __init__(self, home, backend, seed, arguments=(), *, experiment="dqn_cartpole", settings=SETTINGS):
        self.home = Path(home)
        self.arguments = [*settings, "--seed", str(seed), *arguments]
        self.experiment = experiment
        self.environment = os.environ | {"LAB_HOME": str(home), "KERAS_BACKEND": backend}
        self.process, self.kills = None, 0

    def folder(self):
        """The folder of the run, None while there is none."""
        return folder_of(self.home)

    def start(self):
        """Starts the run, or resumes it if it was started before."""
        folder = self.folder()
        arguments = ["--resume", folder.name] if folder else self.arguments
        command = [sys.executable, "-m", f"experiments.{self.experiment}", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=self.environment, **quiet)

    def finish(self):
        """Waits for the end of the process, whose exit code must be 0."""
        _, errors = self.process.communicate(timeout=300)
        if self.process.returncode:
            raise RuntimeError(f"expected exit code 0, received {self.process.returncode}: {errors.decode()[-2000:]}")

    def kill(self):
        """Sends SIGKILL. Does not count a process that has ended by itself."""
        self.kills += self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def checkpoints(self):
        """The names of the present checkpoints."""
        folder = self.folder()
        return sorted(path.name for path in folder.checkpoints.glob("step-*")) if folder else []

    def wait_for(self, condition, patience=120, between=0.005):
        """Waits until `condition()` holds. False if the run ends or `patience` seconds pass first.

        Looks every `between` seconds.
        """
        end = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < end:
            if condition():
                return True
            time.sleep(between)
        return False

    def kill_before_first_checkpoint(self):
        """Kills as soon as something is logged, and nothing saved. True if nothing was saved."""
        self.wait_for(lambda: self.folder() and self.folder().metrics() and not self.checkpoints())
        had_none = not self.checkpoints()
        self.kill()
        return had_none

    def kill_during_write(self):
        """Kills while a checkpoint is half written. True if the half is left behind."""
        self.wait_for(lambda: self.folder() and list(self.folder().checkpoints.glob(".*.partial*")), between=0.0005)
        self.kill()
        return bool(list(self.folder().checkpoints.glob(".*.partial*")))

    def state(self):
        """Everything that must not depend on interruptions."""
        return state(self.folder())
