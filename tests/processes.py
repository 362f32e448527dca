"""Experiments as a person starts them: in their own processes."""

import os
import subprocess
import sys
from pathlib import Path

from lab.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent
TINY = ["--smoke", "--tracking-uri", "none"]
ON_JAX = {"KERAS_BACKEND": "jax"}  # starts in half the time, for what is the same on both


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )


def dqn(*arguments, **environment):
    return run("experiments.dqn_cartpole", *arguments, **environment)


def folders(home):
    return [RunFolder(path.parent) for path in sorted((home / "mlruns" / "runs").glob("*/run.json"))]
