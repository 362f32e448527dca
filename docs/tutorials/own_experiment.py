"""
Your own experiment
===================

You want a command with flags, whose runs are tracked, resumed and compared like those of the lab.
"""

# %%
# A module with a ``Config`` and a ``run``
# ----------------------------------------
#
# The docstring says what the experiment shows, what to expect and how long it takes. Each field of
# ``Config`` is a flag. ``run`` trains, logs and returns the results.

from pathlib import Path

MODULE = '''\
"""Gradient descent finds the minimum of a quadratic function.

Expected: distance <= 0.01 (it starts near 4.2)
Time: a second
"""

from dataclasses import dataclass
from typing import Annotated

from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the descent."""

    steps: Annotated[int, Interval(1, 10**6)] = 200
    """Number of steps."""
    learning_rate: Annotated[float, Interval(0, 1)] = 0.05
    """Step size."""


def run(config, track):
    """Descends, and logs the distance from the minimum."""
    import keras
    import numpy as np

    begin = np.random.default_rng(track.seed).normal(3.0, 0.1, 2)
    x = keras.Variable(begin.astype("float32"))
    start = track.restore([x])
    for step in range(start, config.steps):
        x.assign_sub(config.learning_rate * 2 * x)
        if (step + 1) % 20 == 0:
            track.log({"distance": float(keras.ops.norm(x))}, step=step + 1)
            track.checkpoint([x], step + 1)
    return {"distance": float(keras.ops.norm(x))}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 40})
'''
Path("descent.py").write_text(MODULE)

# %%
# Run it
# ------

import subprocess
import sys


def shell(*arguments):
    """Runs a command, and prints it and what it says."""
    print("$ python", *arguments)
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True
    )
    print(done.stderr if done.returncode else done.stdout)


shell("-m", "descent", "--smoke", "--tracking-uri", "none")

# %%
# The flags come from the fields, the help from the strings after them.

shell("-m", "descent", "--help")

# %%
# A bad value is refused in one line, before anything begins.

shell("-m", "descent", "--learning-rate", "7")

# %%
# What makes a run exact
# ----------------------
#
# - All state that changes is in the variables passed to ``track.checkpoint``.
# - Every random number comes from ``track.seed``.
# - ``track.restore`` returns the step at which to go on.
#
# Then a run that is killed and resumed ends with the same bits as one that was left alone:
# ``python -m lab resume NAME``.
