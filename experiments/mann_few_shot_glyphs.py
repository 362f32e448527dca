"""A memory-augmented network learns five new letters in an episode, beside three others.

Expected: accuracy_2_lrua >= 0.45 (0.65 ± 0.16 in 3 seeds; an LSTM 0.65 ± 0.07; at random 0.2)
Time: about 15 minutes of one core with lrua on JAX, 30 on TensorFlow
Source: Santoro et al. 2016, section 4.1, with letters of many scripts for Omniglot.

An episode shows 5 letters of a script that training never showed, each 10 times, in random order.
The network names each picture; the right name is shown one step later. `accuracy_2` is the accuracy
when a letter is shown for the second time, which is the first time that it can be known. Answers at
random reach 0.2, the best possible 1 from the second time on.

There is one parent run with a child for each network: the memory-augmented one (`lrua`), an LSTM, a
Transformer, and a prototypical network, which is told to compare (Snell et al. 2017).

Differences from the paper: pictures of 12 x 12, reading with a strength of 10, and a learning rate
that falls.
`--config experiments/presets/mann_few_shot_glyphs_paper.toml` has the paper's settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from experiments.common import memory_networks, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

NETWORKS = ("lrua", "lstm", "transformer", "prototypes")
SHOWN = (1, 2, 3, 5, 10)


@dataclass(frozen=True)
class Config(memory_networks.ComparedNetworks):
    """Settings of the comparison."""

    networks: ClassVar[tuple[str, ...]] = NETWORKS
    cells: tuple[str, ...] = NETWORKS
    ways: Annotated[int, Interval(2, 100)] = 5
    """Letters of an episode."""
    shots: Annotated[int, Interval(2, 1000)] = 10
    """Pictures of each letter in an episode."""
    size: Annotated[int, Interval(8, 256)] = 12
    """Pixels on a side."""
    strength: Annotated[float, Interval(0, 1000)] = 10.0
    """How sharply a memory-augmented network reads. The paper's is 1."""
    units: int = 200
    slots: int = 128
    width: int = 40
    read_heads: int = 4
    epochs: int = 100
    samples: int = 1_280
    learning_rate: float = 5e-3

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(self.ways * self.shots, self.size**2 + self.ways, self.ways)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains one network, and tests it on scripts that it has not seen."""
    import numpy as np

    from lab.data import episodes, letter_bank
    from lab.data.few_shot import HELD_OUT
    from lab.supervised import Training

    for_network, order, drawn, validated, tested = supervised.seeds(track, 5)
    instances = max(config.shots, 20)
    known = letter_bank(instances=instances, size=config.size, seed=drawn)
    new = letter_bank(HELD_OUT, instances=instances, size=config.size, seed=tested)

    def draw(bank, count, seed):
        return episodes(bank, count, ways=config.ways, shots=config.shots, seed=seed)

    def epoch(number):
        found = draw(known, config.samples, int(np.random.SeedSequence([drawn, number]).generate_state(1)[0]))
        return found.x, found.labels

    fixed, test = draw(known, min(config.test_samples, 64), validated), draw(new, config.test_samples, tested)
    model = network(config, for_network)
    training = Training(
        model,
        config,
        steps_per_epoch=config.steps_per_epoch,
        classes=config.ways,
        optimizer=memory_networks.optimizer(config),
        seed=order,
    )
    supervised.fit(track, training, epoch, validation=(fixed.x, fixed.labels))
    track.model(model)
    right = training.predict(test.x).argmax(-1) == test.labels
    title = f"{config.ways} letters of known scripts in an episode: a network with {config.cell}"
    lines = {"at random": 1 / config.ways}
    track.curve("validation_accuracy", label="accuracy over episodes", x_label="episodes seen", title=title, lines=lines)
    return accuracies(config, right, test.instances)


def accuracies(config: Config, right: "np.ndarray", instances: "np.ndarray") -> dict[str, float]:
    """The accuracy when a letter is shown for the first, second, ... time."""
    shown = [number for number in SHOWN if number <= config.shots]
    return {f"accuracy_{number}": float(right[instances == number].mean()) for number in shown}


def network(config: Config, seed: int) -> "keras.Model":
    """The network of these settings."""
    from lab.models import prototypical_network

    features = config.size**2
    if config.cell == "prototypes":
        return prototypical_network(features, config.ways, seed=seed)
    more = {"strength": config.strength} if config.cell == "lrua" else {}
    return memory_networks.network(config, features + config.ways, config.ways, seed=seed, **more)


def variants(config: Config) -> list[dict[str, str]]:
    """One variant for each network; none if one runs alone."""
    return [] if config.cell else [{"cell": name} for name in config.cells]


def summary(track: Track, rows: Mapping[str, list[dict[str, float]]]) -> None:
    """Logs the table, and the accuracies over the instances as a picture."""
    import numpy as np
    from matplotlib.figure import Figure

    names = [name for name in next(iter(rows.values()))[0] if name.startswith("accuracy_")]
    supervised.table(track, rows, names, heading="network")
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for label, results in rows.items():
        numbers = [int(name.removeprefix("accuracy_")) for name in names]
        axes.plot(numbers, [np.mean([result[name] for result in results]) for name in names], "o-", markersize=3, label=label)
    axes.set(xlabel="times that a letter was shown", ylabel="accuracy", ylim=(0, 1.02), title="New letters in an episode")
    axes.legend(fontsize=8, frameon=False)
    track.figure("instances.png", figure)


if __name__ == "__main__":
    smoke = {"cells": ("lrua", "prototypes"), "epochs": 2, "samples": 32, "test_samples": 16, "ways": 2, "shots": 2}
    smoke |= {"size": 8, "units": 8, "slots": 5, "width": 4, "read_heads": 2}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
