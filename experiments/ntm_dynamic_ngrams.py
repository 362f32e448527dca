"""Dynamic n-grams: a Neural Turing Machine counts what follows what.

Expected: nats_above_best <= 0.05 (0.003 to 0.005 in 3 seeds; an LSTM 0.001; at random 0.275)
Time: about 5 minutes of one core
Source: Graves et al. 2014, section 4.4.

Each sequence of 100 bits has a table of its own: the probability of a 1 after each context of 3
bits. The best predictor counts (`lab.data.ngram_posterior`). `nats_above_best` is the cross-entropy
of a bit above the best predictor's, `nats_above_best_at_random` that of always saying 1/2.

Differences from the paper: Adam, a learning rate that falls, batches of 16, and smaller sizes: the
paper has 200 bits and contexts of 5.
`--config experiments/presets/ntm_dynamic_ngrams_paper.toml` has the paper's settings.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import memory_networks, supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(memory_networks.MemoryNetwork):
    """Settings of the task."""

    length: Annotated[int, Interval(2, 100_000)] = 100
    """Bits shown."""
    order: Annotated[int, Interval(2, 20)] = 4
    """A bit depends on the bits before it, one fewer than this."""
    epochs: int = 60

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.length >= self.order, "length", f"at least order, {self.order}", self.length)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        table = memory.array(3 * self.samples, 2 ** (self.order - 1), item=8)  # the counts of the best predictor, too
        return [*self.needs(self.length, 1, 1), memory.Need("tables of sequences", table, "--samples, --order")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and compares it with the best predictor."""
    import numpy as np

    from lab.data import dynamic_ngrams, ngram_posterior

    def draw(count, seed):
        return dynamic_ngrams(count, length=config.length, order=config.order, seed=seed)

    network = memory_networks.train(track, config, draw)
    test = draw(config.test_samples, supervised.seeds(track, 5)[4])
    logits = memory_networks.answers(network, test)[..., 0].astype("float64")
    best = ngram_posterior(test.x, order=config.order)

    def cross_entropy(p):
        return float(-(test.mask * np.log(np.where(test.y[..., 0] == 1, p, 1 - p))).sum() / test.mask.sum())

    entropy = cross_entropy(best)
    memory_networks.log_attention(track, config, network, test)
    track.curve(
        "validation_loss",
        label="cross-entropy of a bit, nats",
        x_label="sequences seen",
        title=f"Dynamic n-grams: a network with {config.cell} cells",
        lines={"at random": float(np.log(2)), "best predictor": entropy},
    )
    learnt = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return {
        "nats_above_best": cross_entropy(learnt) - entropy,
        "nats_of_the_best": entropy,
        "nats_above_best_at_random": float(np.log(2)) - entropy,
    }


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "length": 6, "order": 2, "units": 8, "slots": 5, "width": 4}
    experiment.main(Config, run, smoke=smoke)
