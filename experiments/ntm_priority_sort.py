"""Priority sort: a Neural Turing Machine puts vectors in order.

Expected: wrong_percent <= 10 (0.5 in one seed; at random 50)
Time: about 8 minutes of one core
Source: Graves et al. 2014, section 4.5.

10 vectors of 6 bits are shown, each with a priority. The 8 of the highest priority are due, in
order. Answers at random have half of the bits wrong.

Differences from the paper: Adam, a learning rate that falls, batches of 16, and smaller sizes: the
paper has 20 vectors of 8 bits, of which 16 are due.
`--config experiments/presets/ntm_priority_sort_paper.toml` has the paper's settings.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import memory_networks
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(memory_networks.MemoryNetwork):
    """Settings of the task."""

    bits: Annotated[int, Interval(1, 1000)] = 6
    """Bits of a vector."""
    inputs: Annotated[int, Interval(1, 1000)] = 10
    """Vectors shown."""
    outputs: Annotated[int, Interval(1, 1000)] = 8
    """Vectors due."""
    units: int = 100
    epochs: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.outputs <= self.inputs, "outputs", f"at most inputs, {self.inputs}", self.outputs)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(self.inputs + 1 + self.outputs, self.bits + 2, self.bits)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and tests it."""
    from lab.data import priority_sort

    def draw(count, seed):
        return priority_sort(count, inputs=config.inputs, outputs=config.outputs, bits=config.bits, seed=seed)

    return memory_networks.run_task(track, config, draw, {}, title="Priority sort")


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "inputs": 3, "outputs": 2, "bits": 2, "units": 8, "slots": 5}
    experiment.main(Config, run, smoke=smoke)
