"""Every convolutional family on 62 kinds of glyphs, tested on type faces that none has seen.

Expected: accuracy_vgg11 >= 0.9 (0.939 ± 0.006, 5 seeds; GoogLeNet 0.955)
Time: about a minute of one core for each family; DenseNet and MobileNet 3, GoogLeNet and Xception 8
Source: each family's paper, named in `lab/models/`; the glyphs are ours (`lab/data/glyphs.py`).

Compares accuracy, weights, multiplications and time. There is one parent run with a child for each
family and seed. The parent has a table and one figure. ResNet-20 reaches 0.949 with all of its
channels, and 0.53 with a quarter of them. Some characters look alike in some faces (0 O o, 1 l I),
so that no network reaches 1.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import FAMILIES, Interval, require_name

HELD_OUT = ("DejaVuSans-BoldOblique", "DejaVuSansMono", "DejaVuSerif-Italic", "STIXGeneralBol", "cmss10")
COMPARED = ("lenet5", "vgg11", "googlenet", "resnet20", "preresnet20", "densenet_bc40", "xception", "mobilenet_v2")


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the comparison."""

    models: tuple[str, ...] = COMPARED
    """Families to compare, of `lab.models.FAMILIES`, each in a child run."""
    model: str = ""
    """One family to run alone; empty compares."""
    width: Annotated[float, Interval(over=0, high=32)] = 0.25
    """Factor of every family's number of channels."""
    samples: int = 5_000
    """Glyphs to train on."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 5_000
    """Glyphs of other faces to test on."""
    size: Annotated[int, Interval(8, 2_048)] = 28
    """Pixels on a side."""
    epochs: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("models", self.models)
        for name in self.models:
            require_name("--models", name, FAMILIES)
        if self.model:
            require_name("--model", self.model, FAMILIES)
        lenet = "lenet5" in (self.models if not self.model else (self.model,))
        validation.require(self.size <= 48 or not lenet, "size", "at most 48 for lenet5", self.size)
        validation.require(self.shift < self.size, "shift", f"less than size, {self.size}", self.shift)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.glyphs(self.samples + self.test_samples, self.size, "--samples, --test-samples, --size")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one family."""
    from lab.data import glyphs
    from lab.data.glyphs import DIGITS, FACES, LOWER, UPPER
    from lab.models import classifier, multiplications, summary
    from lab.supervised import Training

    network, order, drawn, tested = supervised.seeds(track, 4)
    characters = DIGITS + UPPER + LOWER
    known = tuple(face for face in FACES if face not in HELD_OUT)
    train = glyphs(config.samples, size=config.size, characters=characters, faces=known, seed=drawn)
    test = glyphs(config.test_samples, size=config.size, characters=characters, faces=HELD_OUT, seed=tested)
    model = classifier(config.model, train[0].shape[1:], len(characters), width=config.width, seed=network)
    (track.artifacts / "stages.txt").write_text(summary(model) + "\n")
    track.artifact("stages.txt")
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=len(characters), seed=order)
    results = supervised.classify(track, training, train, test, names=characters)
    return results | {
        "parameters": float(model.count_params()),
        "multiplications": float(multiplications(model)),
        "milliseconds_per_step": supervised.milliseconds_per_step(track, training),
    }


def variants(config: Config) -> list[dict[str, Any]]:
    """One variant for each family; none if one family runs alone."""
    return [] if config.model else [{"model": name} for name in config.models]


AXES = {"parameters": "weights of the network", "milliseconds_per_step": "milliseconds for an update"}


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table, and a figure of the accuracy over weights and over time."""
    import numpy as np
    from matplotlib.figure import Figure

    names = ("accuracy", "log_loss", "calibration_error", "parameters", "multiplications", "milliseconds_per_step")
    supervised.table(track, rows, names, heading="family")
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), ("parameters", "milliseconds_per_step")):
        for label, results in rows.items():
            accuracy = [result["accuracy"] for result in results]
            x = np.mean([result[name] for result in results])
            axes.errorbar(x, np.mean(accuracy), yerr=np.std(accuracy), fmt="o", markersize=6, label=label)
        axes.set(xscale="log", xlabel=AXES[name])
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("accuracy on faces held out")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle("Families of convolutional networks: accuracy, size and time (bars: standard deviation)")
    figure.savefig(track.artifacts / "families.png", dpi=120)
    track.artifact("families.png")


if __name__ == "__main__":
    smoke = {
        "models": ("lenet5", "mobilenet_v2"),
        "width": 0.125,
        "samples": 256,
        "test_samples": 124,
        "epochs": 2,
        "size": 16,
    }
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
