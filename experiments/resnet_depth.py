"""Plain and residual networks of growing depth: only the plain ones train worse when deeper.

Expected: training_accuracy_residual_56 >= 0.9 (0.979 ± 0.002, plain_56 0.652 ± 0.101, 5 seeds)
Time: about 7 minutes of one core
Source: He et al. 2016, section 4.2, figure 6.

Differences from the paper: glyphs instead of CIFAR-10, fewer channels, Nesterov's momentum, a
learning rate that rises for an epoch and falls along a cosine, no weight decay.

One parent run with a child for each form, depth and seed. The parent has a table and a picture.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

FORMS = ("plain", "residual", "preactivation")


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the comparison."""

    forms: tuple[str, ...] = ("plain", "residual")
    """Forms to compare: plain, residual, preactivation. Each form and depth has a child run."""
    depths: Annotated[tuple[int, ...], Interval(8, 2_000)] = (20, 56)
    """Depths to compare: layers with weights, 6 n + 2."""
    form: Literal["", "plain", "residual", "preactivation"] = ""
    """One form to run alone, with `--depth`; empty compares."""
    depth: Annotated[int, Interval(0, 2_000)] = 0
    """One depth to run alone, with `--form`; 0 compares."""
    width: Annotated[float, Interval(over=0, high=32)] = 0.5
    """Factor of the number of channels."""
    samples: int = 10_000
    """Glyphs to train on, 62 classes."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 2_000
    """Glyphs to test on, of the same faces."""
    size: Annotated[int, Interval(8, 2_048)] = 20
    """Pixels on a side."""
    epochs: int = 8
    optimizer: Literal["sgd", "adam", "rmsprop"] = "sgd"
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(set(self.forms) <= set(FORMS), "forms", f"some of {', '.join(FORMS)}", self.forms)
        supervised.distinct("forms", self.forms)
        supervised.distinct("depths", self.depths)
        for name, depths in (("depths", self.depths), ("depth", (self.depth,) if self.depth else ())):
            for depth in depths:
                validation.require(depth >= 8 and (depth - 2) % 6 == 0, name, "6 n + 2 with n >= 1", depth)
        validation.require(bool(self.form) == bool(self.depth), "depth", "one together with form", self.depth or self.form)
        validation.require(self.shift < self.size, "shift", f"less than size, {self.size}", self.shift)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.glyphs(self.samples + self.test_samples, self.size, "--samples, --test-samples, --size")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains one network."""
    from lab.data import glyphs
    from lab.data.glyphs import DIGITS, LOWER, UPPER
    from lab.models import small_resnet
    from lab.supervised import Training

    network, order, drawn, tested = supervised.seeds(track, 4)
    characters = DIGITS + UPPER + LOWER
    train = glyphs(config.samples, size=config.size, characters=characters, seed=drawn)
    test = glyphs(config.test_samples, size=config.size, characters=characters, seed=tested)
    model = small_resnet(
        train[0].shape[1:], len(characters), depth=config.depth, width=config.width, form=config.form, seed=network
    )
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=len(characters), seed=order)
    results = supervised.classify(track, training, train, test, names=characters)
    return results | {"training_loss": track.metrics()["loss"][-1][1], "training_accuracy": track.metrics()["accuracy"][-1][1]}


def variants(config: Config) -> list[dict[str, Any]]:
    """One variant for each form and depth; none if one network runs alone."""
    if config.form:
        return []
    return [{"form": form, "depth": depth} for form in config.forms for depth in config.depths]


def summary(track: Track, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table, and a picture of the training loss over the depth for each form."""
    import numpy as np
    from matplotlib.figure import Figure

    supervised.table(track, rows, ("training_loss", "training_accuracy", "accuracy"), heading="network")
    figure = Figure(figsize=(5.5, 4), layout="constrained")
    axes = figure.subplots()
    for form in dict.fromkeys(label.rsplit("_", 1)[0] for label in rows):
        found = {int(label.rsplit("_", 1)[1]): results for label, results in rows.items() if label.rsplit("_", 1)[0] == form}
        losses = {depth: [result["training_loss"] for result in results] for depth, results in sorted(found.items())}
        means = [np.mean(x) for x in losses.values()]
        spreads = [np.std(x) for x in losses.values()]
        axes.errorbar(list(losses), means, yerr=spreads, marker="o", label=f"{form}, mean and standard deviation")
    axes.set(xlabel="layers with weights", ylabel="training loss in the last epoch, nats", yscale="log")
    axes.set_title("Training loss of deep networks, with and without shortcuts", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(track.artifacts / "depth.png", dpi=120)
    track.artifact("depth.png")


if __name__ == "__main__":
    smoke = {
        "depths": (8, 14),
        "width": 0.25,
        "samples": 256,
        "test_samples": 124,
        "epochs": 1,
        "size": 12,
        "learning_rate": 0.05,
    }
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
