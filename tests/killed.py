"""Runs in processes of their own that are killed at chosen moments, and brief settings for them."""

import re
import signal
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
PATIENCE = 300  # seconds


class Run:
    """A run with its own home folder. A server forks its processes (`benchmarks/victims.py`)."""

    def __init__(self, server, home, experiment="dqn_cartpole", settings=SETTINGS, arguments=()):
        self.server = server
        self.home = Path(home)
        self.module = f"experiments.{experiment}"
        self.arguments = [*settings, "--seed", "5", *arguments]

    def folder(self):
        """The folder of the run, None while there is none."""
        return folder_of(self.home)

    def start(self, **trap):
        """Starts the run, or resumes it if it was started before."""
        folder = self.folder()
        self.server.start(self.module, ["--resume", folder.name] if folder else self.arguments, self.home, **trap)

    def end(self, code=0):
        """Waits for the end of the process, which must have this exit code."""
        received = self.server.wait(PATIENCE)
        if received != code:
            raise AssertionError(f"expected exit code {code}, received {received}: {self.output()[-2000:]}")

    def live(self):
        """Starts or resumes the run, and lets it come to its end."""
        self.start()
        self.end()

    def die_while_saving(self, number):
        """Starts or resumes the run, and kills it in its folder of checkpoints.

        Args:
            number: of the rename or deletion before which it dies. A resumed run first deletes
                what a killed one has left half-written.
        """
        self.start(at=number, of="checkpoints")
        self.end(-signal.SIGKILL)

    def die_once(self, condition):
        """Starts or resumes the run, and kills it once `condition()` holds."""
        self.start()
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self.server.wait(0) is not None:
                raise AssertionError(f"expected a run to kill, received its end: {self.output()[-2000:]}")
            time.sleep(0.005)
        self.server.signal(signal.SIGKILL)
        self.end(-signal.SIGKILL)

    def output(self):
        """What its processes have printed."""
        return (self.home / "output").read_text()

    def checkpoints(self):
        """The steps of the present checkpoints."""
        folder = self.folder()
        names = [path.name for path in folder.checkpoints.glob("step-*")] if folder else []
        return {int(re.sub(r"\D", "", name)) for name in names}

    def half_written(self):
        """The checkpoints that a killed process has left unfinished."""
        return list(self.folder().checkpoints.glob(".*.partial*"))

    def state(self):
        """Everything that must not depend on interruptions."""
        return state(self.folder())
