"""Digits pixel by pixel, row by row or in one random order: which recurrent cells tell them apart.

Expected: accuracy_gru >= 0.9 (scikit-learn's 8 x 8 digits, 64 steps: 0.95 ± 0.02, 5 seeds)
Time: about 5 minutes of one core
Source: Le et al. 2015, section 4.2.

The paper's data set is MNIST, with 784 steps: `--data mnist`, where the download works.

There is one parent run with a child for each cell and seed.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.common import recurrent, supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(recurrent.Recurrent):
    """Settings of the comparison."""

    unused: ClassVar = ("patience", "precision", *supervised.OF_IMAGES)
    data: Literal["digits", "mnist", "fashion_mnist"] = "digits"
    """scikit-learn's digits, divided at random, or a divided set of `keras.datasets`."""
    permuted: bool = False
    """Whether pixels come in one random order, the same for all images."""
    cells: tuple[str, ...] = ("simple", "irnn", "gru", "lstm", "peephole_lstm", "layer_norm_lstm", "layer_norm_gru")
    samples: int = 1_437
    """Images to train on."""
    test_samples: int = 360
    units: int = 64
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 8e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        least = 10 if self.data == "digits" else 1  # one of each class
        validation.require(self.test_samples >= least, "test_samples", f"at least {least}", self.test_samples)
        validation.require(self.samples >= least, "samples", f"at least {least}", self.samples)
        most = 1797 if self.data == "digits" else 60_000
        total = self.samples + self.test_samples * (self.data == "digits")
        validation.require(total <= most, "samples", f"at most {most}" + " together with test_samples" * (most == 1797), total)
        validation.require(self.test_samples <= 10_000, "test_samples", "at most 10000", self.test_samples)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [*super().memory(), *recurrent.sequences(self, 784 if self.data != "digits" else 64, 8)]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one cell."""
    from sklearn.model_selection import train_test_split

    from lab.data import digits, downloaded, pixel_sequences
    from lab.supervised import Training

    network, order, split, permutation = supervised.seeds(track, 4)
    if config.data == "digits":
        x, y = digits()
        x, test_x, y, test_y = train_test_split(
            x, y, train_size=config.samples, test_size=config.test_samples, stratify=y, random_state=split
        )
    else:
        (x, y), (test_x, test_y) = downloaded(config.data), downloaded(config.data, "test")
        x, y = x[: config.samples], y[: config.samples]
        test_x, test_y = test_x[: config.test_samples], test_y[: config.test_samples]
    seed = permutation if config.permuted else None
    sequences, tested = pixel_sequences(x, permutation_seed=seed), pixel_sequences(test_x, permutation_seed=seed)
    model = recurrent.network(config, 10, sequences.shape[1], features=1, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=10, seed=order)
    supervised.fit(track, training, sequences, y)
    track.model(model)
    title = f"Digits, pixel by pixel: training loss of a network of {config.cell} cells"
    track.curve("loss", label="cross-entropy, nats", x_label="images seen", title=title)
    accuracy = float((training.predict(tested).argmax(axis=1) == test_y).mean())
    return {"accuracy": accuracy, "training_loss": track.metrics()["loss"][-1][1]}


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table and the picture."""
    recurrent.compare(track, rows, ("accuracy", "training_loss"), over="accuracy", baseline=("at random", 0.1))


if __name__ == "__main__":
    smoke = {"cells": ("simple", "layer_norm_gru"), "units": 8, "samples": 128, "test_samples": 64, "epochs": 2}
    experiment.main(Config, run, smoke=smoke, variants=recurrent.variants, summary=summary)
