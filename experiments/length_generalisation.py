"""Trained on short sequences, tested on longer ones: memories, an LSTM and a Transformer.

Expected: wrong_percent_once_ntm_copy <= 45 (not measured yet over seeds; at random 50)
Time: about half an hour of one core
Source: Graves et al. 2014, section 4.1; the question: Deletang et al. 2023.

Each network learns to copy, or to reverse, 1 to 10 vectors of 4 bits. Then it is tested on up to
40. The LSTM has about as many weights as the NTM. Answers at random have 50 % of the bits wrong;
the best possible have none.

There is one parent run with a child for each cell and task. `lengths.png` has all curves.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import memory_networks, supervised
from experiments.common.length_curves import log_lengths
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval, require_name

TASKS = ("copy", "reverse")
TIMES = {"once": 1, "twice": 2, "thrice": 3, "four_times": 4}


@dataclass(frozen=True)
class Config(memory_networks.ComparedNetworks):
    """Settings of the comparison."""

    tasks: tuple[str, ...] = TASKS
    """Tasks: copy, reverse."""
    task: Literal["", "copy", "reverse"] = ""
    """The task of one cell that runs alone; empty if cells are compared."""
    bits: Annotated[int, Interval(1, 1000)] = 4
    """Bits of a vector."""
    longest: Annotated[int, Interval(1, 1000)] = 10
    """Vectors of the longest sequence in training. The shortest has one."""
    slots: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("tasks", self.tasks)
        for name in self.tasks:
            require_name("--tasks", name, TASKS)
        validation.require(bool(self.cell) == bool(self.task), "task", "one with --cell, and none without", self.task)
        validation.require(self.slots >= 3, "slots", "at least 3, for the NTM or an LSTM of its size", self.slots)

    def memory(self) -> list[memory.Need]:
        """What a run holds."""
        return self.needs(8 * self.longest + 1, self.bits + 1, self.bits)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one network on one task."""
    from lab.data import copy_bits

    if config.cell == "lstm":
        units = memory_networks.units_of_an_equal_lstm(config, config.bits + 1, config.bits)
        config = dataclasses.replace(config, units=units)

    def draw(lengths, steps=None):
        backwards = config.task == "reverse"
        return lambda count, seed: copy_bits(
            count, bits=config.bits, lengths=lengths, backwards=backwards, steps=steps, seed=seed
        )

    steps = 8 * config.longest + 1  # of all tests, so that one program takes them
    tests = {name: draw((times * config.longest, times * config.longest), steps) for name, times in TIMES.items()}
    return memory_networks.run_task(track, config, draw((1, config.longest)), tests, title=config.task.capitalize())


def variants(config: Config) -> list[dict[str, str]]:
    """One variant for each cell and task; none if one cell runs alone."""
    return [] if config.cell else [{"cell": cell, "task": task} for cell in config.cells for task in config.tasks]


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table and the picture."""
    import numpy as np

    names = [f"wrong_percent_{name}" for name in TIMES]
    supervised.table(track, rows, names, heading="cell, task")
    means = {label: [float(np.mean([result[name] for result in results])) for name in names] for label, results in rows.items()}
    points = {label: dict(zip(TIMES.values(), values)) for label, values in means.items()}
    log_lengths(track, points, trained=1, label="length, in times the longest of training")


if __name__ == "__main__":
    smoke = {"cells": ("ntm", "lstm"), "tasks": ("copy",), "epochs": 2, "samples": 64, "test_samples": 20}
    smoke |= {"longest": 2, "bits": 2, "units": 8, "slots": 5, "width": 4}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
