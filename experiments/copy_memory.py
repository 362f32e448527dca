"""Copying ten symbols after a long wait: which recurrent cells remember them.

Expected: accuracy_gru >= 0.5 (0.80 ± 0.10, LSTM 0.25 ± 0.09, 5 seeds; random answers 0.125)
Time: about 4 minutes of one core for each cell
Source: Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016, section 5.1.

The accuracy is that of the ten symbols, each one of eight, after a delay T of 50 steps. A simple
cell is no better than random answers. In Arjovsky et al. LSTMs stay at the cross-entropy of
forgetting:

    10 log 8 / (T + 20)

There is one parent run with a child for each cell and seed.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from experiments.common import recurrent, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(recurrent.Recurrent):
    """Settings of the comparison."""

    unused: ClassVar = ("mixup", "patience", "precision", *supervised.OF_IMAGES)
    delay: Annotated[int, Interval(1, 10**5)] = 50
    """Steps between the last symbol and the first answer."""
    chrono: bool = True
    epochs: int = 12
    learning_rate: float = 5e-3
    samples: int = 20_000

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [*super().memory(), *recurrent.sequences(self, self.delay + 20, 16)]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one cell."""
    import numpy as np

    from lab.data import copy_memory
    from lab.supervised import Training, probabilities

    network, order, drawn, tested = supervised.seeds(track, 4)
    x, y = copy_memory(config.samples, config.delay, seed=drawn)
    test, answers = copy_memory(config.test_samples, config.delay, seed=tested)
    model = recurrent.network(config, 9, config.delay + 20, symbols=10, embedding=16, every_step=True, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=9, seed=order)
    supervised.fit(track, training, x, y)
    track.model(model)
    title = f"Copying after {config.delay} steps: training loss of a network of {config.cell} cells"
    track.curve("loss", label="cross-entropy, nats a step", x_label="sequences seen", title=title)
    shares = probabilities(training.predict(test))
    likelihood = np.take_along_axis(shares, answers[..., None], axis=-1)
    return {
        "accuracy": float((shares[:, -10:].argmax(-1) == answers[:, -10:]).mean()),
        "cross_entropy": float(-np.log(np.maximum(likelihood, 1e-30)).mean()),
        "cross_entropy_of_forgetting": float(10 * np.log(8) / (config.delay + 20)),
    }


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table and the picture."""
    names = ("accuracy", "cross_entropy", "cross_entropy_of_forgetting")
    recurrent.compare(track, rows, names, over="accuracy", baseline=("at random", 1 / 8))


if __name__ == "__main__":
    smoke = {"cells": ("simple", "gru"), "units": 8, "samples": 256, "test_samples": 64, "delay": 5, "epochs": 2}
    experiment.main(Config, run, smoke=smoke, variants=recurrent.variants, summary=summary)
