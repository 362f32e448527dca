"""The adding problem: which recurrent cells carry two numbers over hundreds of steps.

Expected: error_gru <= 0.001 (T = 200: 0.0003, T = 600: 0.0005, 5 seeds; always 1: 0.167)
Time: about 4 minutes of one core; with `--length 600` about 10
Source: Hochreiter and Schmidhuber 1997, section 5.4; Le et al. 2015, section 4.1.

At T = 600 Bai et al. 2018, table 1, report 0.164 for an LSTM, 5.3e-5 for a GRU and 0.177 for a
simple recurrent network. There is one parent run with a child for each cell and seed.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from experiments.common import recurrent, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(recurrent.Recurrent):
    """Settings of the comparison."""

    unused: ClassVar = ("mixup", "label_smoothing", "precision", *supervised.OF_IMAGES)
    length: Annotated[int, Interval(2, 10**5)] = 200
    """Steps of a sequence, T."""
    units: int = 64
    chrono: bool = True
    samples: int = 20_000
    epochs: int = 8
    learning_rate: float = 5e-3
    schedule: Literal["cosine", "constant"] = "constant"
    good_enough: Annotated[float, Interval(over=0, high=1e6)] = 5e-4
    """Training ends after an epoch with a lower mean squared error on new sequences."""

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [*super().memory(), *recurrent.sequences(self, self.length, 16)]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one cell."""
    from lab.data import adding
    from lab.supervised import Training

    network, order, drawn, tested, checked = supervised.seeds(track, 5)
    x, y = adding(config.samples, config.length, seed=drawn)
    test, answers = adding(config.test_samples, config.length, seed=tested)
    validation = adding(min(config.test_samples, 1000), config.length, seed=checked)
    model = recurrent.network(config, 1, config.length, features=2, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, seed=order)
    supervised.fit(track, training, x, y, validation=validation, stop_below=config.good_enough)
    track.model(model)
    track.curve(
        "validation_loss",
        label="mean squared error on new sequences",
        x_label="sequences seen",
        title=f"Adding problem, {config.length} steps: error of a network of {config.cell} cells",
        lines={"always answering 1: 0.167": 1 / 6},
    )
    error = float(((training.predict(test) - answers) ** 2).mean())
    return {"error": error, "sequences": float(track.metrics()["loss"][-1][0])}


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table and the picture."""
    recurrent.compare(track, rows, ("error", "sequences"), over="error", baseline=("always 1", 1 / 6))


if __name__ == "__main__":
    smoke = {
        "cells": ("simple", "gru"),
        "units": 8,
        "samples": 256,
        "test_samples": 64,
        "length": 12,
        "epochs": 2,
        "learning_rate": 0.01,
    }
    experiment.main(Config, run, smoke=smoke, variants=recurrent.variants, summary=summary)
