"""ResNet-20 on CIFAR-10 by the paper's recipe, where the download works.

Expected: accuracy >= 0.90 (He et al. 2016: 91.25 %; not measured here: no download)
Time: several hours of two cores
Source: He et al. 2016, section 4.2: SGD with momentum 0.9, batches of 128, 64,000 updates, shifts
by 4 pixels and mirroring.

Differences from the paper:

- The learning rate rises for an epoch and falls along a cosine, instead of in two steps.
- The paper's weight decay of 1e-4 is part of the gradient, and so of the momentum. Here it is
  decoupled, ten times as large for the same loss of weight, and spares biases and normalisation.
- The momentum has Nesterov's form.
- Pixels are scaled to -1..1. Their mean is not subtracted.
- What a shift leaves empty is black.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import FAMILIES, Interval, require_name


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the classifier."""

    model: str = "resnet20"
    """A family of `lab.models.FAMILIES`."""
    data: Literal["cifar10", "cifar100", "mnist", "fashion_mnist"] = "cifar10"
    """A data set of `keras.datasets`."""
    samples: Annotated[int, Interval(1, 50_000)] = 50_000
    """Images to train on, the first ones of the set."""
    width: Annotated[float, Interval(over=0, high=32)] = 1.0
    """Factor of the family's number of channels."""
    epochs: int = 164
    batch_size: int = 128
    optimizer: Literal["sgd", "adam", "rmsprop"] = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 1e-3
    shift: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--model", self.model, FAMILIES)
        validation.require(self.shift < 28, "shift", "less than 28, the images' pixels", self.shift)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.Need("images", 2 * self.samples * 32 * 32 * 3, "--samples")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains on the training images, tests on the others."""
    from lab.data import downloaded
    from lab.models import classifier
    from lab.supervised import Training

    network, order = supervised.seeds(track, 2)
    (x, y), test = downloaded(config.data), downloaded(config.data, "test")
    x, y = x[: config.samples], y[: config.samples]
    classes = 100 if config.data == "cifar100" else 10
    model = classifier(config.model, x.shape[1:], classes, width=config.width, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=classes, seed=order)
    return supervised.classify(track, training, (x, y), test, names=range(classes))


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"samples": 256, "epochs": 2, "width": 0.25, "batch_size": 64})
