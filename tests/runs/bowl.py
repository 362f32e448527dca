"""A bowl: the loss is least where rate is 0.1 and size is 32. Nothing is learnt, all is quick.

Expected: loss <= 0.5
Time: a second
"""

import math
import os
import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the bowl."""

    steps: Annotated[int, Interval(1, 10**6)] = 20
    """Steps."""
    rate: Annotated[float, Interval(over=0, high=10)] = 1.0
    """Best is 0.1."""
    size: Annotated[int, Interval(1, 1024)] = 64
    """Best is 32."""
    wait: Annotated[float, Interval(0, 10)] = 0.0
    """Seconds of a step."""
    wide: bool = False
    """Changes nothing."""
    hidden: tuple[int, ...] = (64, 64)
    """Changes nothing."""
    limit: Annotated[float | None, Interval(0, 1)] = None
    """Changes nothing."""
    word: str = "plain"
    """Changes nothing."""
    fails: Annotated[int, Interval(-1, 2**32)] = -1
    """The seed that fails."""

    def __post_init__(self):
        validation.require(self.size != 77, "size", "another number than 77", self.size)
        validation.require(self.rate < 9 or self.size < 1000, "size", "less than 1000 for such a rate", self.size)


class Count:
    """A variable, as checkpoints need one, without Keras."""

    path, shape = "count", ()

    def __init__(self):
        self.value = np.int64(0)

    def assign(self, value):
        self.value = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


def run(config, track):
    """Logs a curve that comes down to the loss."""
    count = Count()
    loss = math.log10(config.rate / 0.1) ** 2 + math.log2(config.size / 32) ** 2 + 0.01 * track.seed
    track.tag("cores", len(os.sched_getaffinity(0)))
    for step in range(track.restore([count]) + 1, config.steps + 1):
        time.sleep(config.wait)
        if track.seed == config.fails and step == 3:
            raise ArithmeticError("the bowl is broken")
        count.assign(np.int64(count.value + 1))
        track.log({"loss": loss + 5 / step, "count": float(count.value)}, step)
        if step % 5 == 0:
            track.checkpoint([count], step)
    (track.artifacts / "note.txt").write_text(f"{loss}\n")
    track.artifact("note.txt")
    return {"loss": loss + 5 / config.steps}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 3})
