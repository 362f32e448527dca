"""Repeat copy: a Neural Turing Machine says a pattern several times, and stops by itself.

Expected: wrong_bits <= 1 (0.000 in each of 3 seeds; at random 35)
Time: about 1.5 minutes of one core
Source: Graves et al. 2014, section 4.2.

A sequence has 1 to 5 vectors of 6 bits and a number of repeats, 1 to 5. After the last repeat an
end sign is due. `wrong_percent_longer` is the share of wrong bits of patterns twice as long,
`wrong_percent_more` that of twice as many repeats.

Differences from the paper: Adam, a learning rate that falls, batches of 16, and smaller sizes. The
number of repeats is divided by the greatest.
`--config experiments/presets/ntm_repeat_copy_paper.toml` has the paper's settings.
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
    longest: Annotated[int, Interval(1, 1000)] = 5
    """Vectors of the longest pattern. The shortest has one."""
    most: Annotated[int, Interval(1, 1000)] = 5
    """The greatest number of repeats. The least is one."""
    epochs: int = 60

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(3 + 2 * self.longest * (self.most + 1), self.bits + 2, self.bits + 1)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and tests it, also on longer patterns and on more repeats."""
    from lab.data import repeat_copy

    longest, most = config.longest, config.most

    def draw(lengths, repeats, steps=None):
        sizes = {"bits": config.bits, "lengths": lengths, "repeats": repeats, "scale": most, "steps": steps}
        return lambda count, seed: repeat_copy(count, seed=seed, **sizes)

    steps = 3 + 2 * longest * (most + 1)  # of both tests, so that one program takes them
    tests = {
        "longer": draw((2 * longest, 2 * longest), (1, most), steps),
        "more": draw((1, longest), (2 * most, 2 * most), steps),
    }
    return memory_networks.run_task(track, config, draw((1, longest), (1, most)), tests, title="Repeat copy")


if __name__ == "__main__":
    smoke = {
        "epochs": 2,
        "samples": 64,
        "test_samples": 20,
        "longest": 2,
        "most": 2,
        "bits": 2,
        "units": 8,
        "slots": 5,
        "width": 4,
    }
    experiment.main(Config, run, smoke=smoke)
