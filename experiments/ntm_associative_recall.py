"""Associative recall: a Neural Turing Machine finds an item by what came before it.

Expected: wrong_bits <= 0.5 (0.000 in each of 5 seeds; at random 9)
Time: about 2.5 minutes of one core
Source: Graves et al. 2014, section 4.3.

2 to 6 items of 3 vectors of 6 bits are shown, then one of them again. The item after it is due.
`wrong_percent_twice` is the share of wrong bits with 12 items.

Differences from the paper: Adam, a learning rate that falls, batches of 16, and a smaller
controller.
`--config experiments/presets/ntm_associative_recall_paper.toml` has the paper's settings.
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

    bits: Annotated[int, Interval(1, 1000)] = 6
    """Bits of a vector."""
    size: Annotated[int, Interval(1, 1000)] = 3
    """Vectors of an item."""
    most: Annotated[int, Interval(2, 1000)] = 6
    """The greatest number of items. The least is two."""
    slots: int = 64
    read_heads: int = 4
    epochs: int = 60
    learning_rate: float = 3e-3

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs((2 * self.most + 1) * (self.size + 1) + 1 + self.size, self.bits + 2, self.bits)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and tests it on the numbers of items in training, and on twice as many."""
    from lab.data import associative_recall

    def draw(items):
        sizes = {"items": items, "size": config.size, "bits": config.bits}
        return lambda count, seed: associative_recall(count, seed=seed, **sizes)

    tests = {"twice": draw((2 * config.most, 2 * config.most))}
    return memory_networks.run_task(track, config, draw((2, config.most)), tests, title="Associative recall")


if __name__ == "__main__":
    smoke = {
        "epochs": 2,
        "samples": 64,
        "test_samples": 20,
        "most": 2,
        "size": 1,
        "bits": 2,
        "units": 8,
        "slots": 5,
        "width": 4,
    }
    experiment.main(Config, run, smoke=smoke)
