"""Repeat copy with a differentiable neural computer, with and without its three corrections.

Expected: wrong_bits <= 0.5 (0.000 in each of 3 seeds; at random about 8)
Time: about 1.5 minutes of one core
Source: Graves et al. 2016; the sizes are those of google-deepmind/dnc, `train.py`; corrections:
Csordas and Schmidhuber 2019.

A sequence has 1 or 2 vectors of 4 bits and 1 or 2 repeats. `--corrections masked erasing sharpened`
switches corrections on. The published run had 100,000 updates.

Differences from the published run: Adam, and a learning rate that falls.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import memory_networks
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(memory_networks.MemoryNetwork):
    """Settings of the task."""

    bits: Annotated[int, Interval(1, 1000)] = 4
    """Bits of a vector."""
    longest: Annotated[int, Interval(1, 1000)] = 2
    """Vectors of the longest pattern. The shortest has one."""
    most: Annotated[int, Interval(1, 1000)] = 2
    """The greatest number of repeats. The least is one."""
    cell: str = "dnc"
    slots: int = 16
    read_heads: int = 4
    epochs: int = 40

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(3 + self.longest * (self.most + 1), self.bits + 2, self.bits + 1)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and tests it."""
    from lab.data import repeat_copy

    def draw(count, seed):
        return repeat_copy(count, bits=config.bits, lengths=(1, config.longest), repeats=(1, config.most), seed=seed)

    return memory_networks.run_task(track, config, draw, {}, title="Repeat copy")


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "bits": 2, "units": 8, "slots": 5, "width": 4}
    experiment.main(Config, run, smoke=smoke)
