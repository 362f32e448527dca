"""Copy: a Neural Turing Machine writes random vectors down and reads them back.

Expected: wrong_bits <= 0.1 (0.000 in each of 10 seeds; at random 16.5)
Time: about 1 minute of one core
Source: Graves et al. 2014, section 4.1; the start of the memory: Collier and Beel 2018.

Sequences have 1 to 10 vectors of 6 bits. `wrong_bits` is the mean number of wrong bits of a
sequence; answers at random have half of all bits wrong, 16.5. `wrong_percent_twice` is the share of
wrong bits of sequences that are twice as long as the longest in training. `attention.png` shows how
the heads move from slot to slot.

Differences from the paper: Adam, a learning rate that falls, batches of 16, and smaller sizes.
`--config experiments/presets/ntm_copy_paper.toml` has the sizes and the settings of the paper.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import memory_networks
from experiments.common.length_curves import log_lengths
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(memory_networks.MemoryNetwork):
    """Settings of the task."""

    bits: Annotated[int, Interval(1, 1000)] = 6
    """Bits of a vector."""
    longest: Annotated[int, Interval(1, 10_000)] = 10
    """Vectors of the longest sequence in training. The shortest has one."""

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(4 * self.longest + 1, self.bits + 1, self.bits)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and tests it on the lengths of training and on longer ones."""
    from lab.data import copy_bits

    def draw(lengths, steps=None):
        return lambda count, seed: copy_bits(count, bits=config.bits, lengths=lengths, steps=steps, seed=seed)

    steps = 4 * config.longest + 1  # of all tests, so that one program takes them
    lengths = sorted({-(-quarters * config.longest // 4) for quarters in (2, 4, 6, 8)})
    tests = {f"at_{length}": draw((length, length), steps) for length in lengths}
    results = memory_networks.run_task(track, config, draw((1, config.longest)), tests, title="Copy")
    rows = {length: results.pop(f"wrong_percent_at_{length}") for length in lengths}
    log_lengths(track, {config.cell: rows}, trained=config.longest, label="vectors to copy")
    return results | {"wrong_percent_twice": rows[lengths[-1]]}


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "longest": 2, "bits": 2, "units": 8, "slots": 5, "width": 4}
    experiment.main(Config, run, smoke=smoke)
