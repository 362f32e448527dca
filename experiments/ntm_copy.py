"""Copy: a Neural Turing Machine writes random vectors down and reads them back.

Expected: wrong_bits <= 0.1
Time: about 2 minutes of one core
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

from experiments.common import memory_networks, supervised
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

    def draw(count, seed, lengths=(1, config.longest), steps=None):
        return copy_bits(count, bits=config.bits, lengths=lengths, steps=steps, seed=seed)

    network, _ = memory_networks.train(track, config, draw)
    steps = 4 * config.longest + 1  # of all tests, so that one program takes them
    for_test, *for_lengths = supervised.seeds(track, 9)[4:]  # the first four are those of `train`
    test = draw(config.test_samples, for_test, steps=steps)
    wrong, percent = memory_networks.errors(memory_networks.answers(network, test), test)
    results = {"wrong_bits": wrong, "wrong_percent": percent, "solved_after": memory_networks.solved_after(track, 0.1)}
    rows = {}
    for quarter, seed in zip((2, 4, 6, 8), for_lengths):
        length = max(quarter * config.longest // 4, 1)
        longer = draw(config.test_samples, seed, (length, length), steps)
        rows[length] = memory_networks.errors(memory_networks.answers(network, longer), longer)[1]
    results["wrong_percent_twice"] = rows[2 * config.longest]
    results["wrong_bits_at_random"] = config.bits * (1 + config.longest) / 4
    memory_networks.log_lengths(track, {config.cell: rows}, trained=config.longest, label="vectors to copy")
    if config.cell != "lstm":
        memory_networks.log_attention(track, network, longer)
    track.curve(
        "validation_wrong_bits",
        label="wrong bits of a sequence",
        x_label="sequences seen",
        title=f"Copy: errors of a network with {config.cell} cells",
        lines={"at random": results["wrong_bits_at_random"]},
    )
    return results


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "longest": 2, "bits": 2, "units": 8, "slots": 5, "width": 4}
    experiment.main(Config, run, smoke=smoke)
