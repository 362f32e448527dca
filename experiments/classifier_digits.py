"""A convolutional classifier of scikit-learn's handwritten digits, by any family, stratified 5-fold.

Expected: accuracy >= 0.99 (the mean of five folds; not yet measured for every family)
Time: about 2 minutes of two cores a fold
Source: the family's paper (`lab/models/families.py`); Kohavi 1995 for stratified folds.

One parent run with a child for each fold and seed; `--fold 2` runs one. The 8 x 8 images are enlarged, so that there is something to shift.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments import _supervised
from lab import command, experiment
from lab.command import Range
from lab.names import FAMILIES, require_name
from lab.recipe import Recipe


@dataclass(frozen=True)
class Config(Recipe):
    """Settings of the classifier."""

    model: str = "resnet20"
    """A family of `lab.models.FAMILIES`."""
    width: Annotated[float, Range(over=0)] = 1.0
    """Factor of the family's number of channels."""
    size: Annotated[int, Range(8)] = 16
    """Pixels on a side."""
    folds: Annotated[int, Range(2)] = 5
    """Parts of the data, each of which is the test set once."""
    fold: Annotated[int, Range(-1)] = -1
    """The part that is the test set, from 0 on; -1 takes each in turn."""
    epochs: Annotated[int, Range(1)] = 40
    batch_size: Annotated[int, Range(1)] = 32
    weight_decay: Annotated[float, Range(0)] = 0.01
    label_smoothing: Annotated[float, Range(0, 1)] = 0.1
    shift: Annotated[int, Range(0)] = 2
    rotation: Annotated[float, Range(0, 180)] = 10.0
    ema: Annotated[float, Range(0, 0.99999)] = 0.99

    def __post_init__(self):
        super().__post_init__()
        require_name("--model", self.model, FAMILIES)
        command.require(self.fold < self.folds, "fold", f"less than folds, {self.folds}", self.fold)
        fewest = EXAMPLES - -(-EXAMPLES // self.folds)
        command.require(self.batch_size <= fewest, "batch_size", f"at most {fewest}, the examples to train on", self.batch_size)

    @property
    def total_steps(self):
        """Images seen in the whole run of a fold."""
        fewest = EXAMPLES - -(-EXAMPLES // self.folds)
        return self.epochs * (fewest // self.batch_size) * self.batch_size


EXAMPLES = 1797


def run(config, track):
    """Trains on all parts but one, and tests on that."""
    from sklearn.model_selection import StratifiedKFold

    from lab.data import digits
    from lab.models import classifier
    from lab.supervised import Training

    network, training_seed, split = _supervised.seeds(track, 3)
    x, y = digits(config.size)
    parts = StratifiedKFold(config.folds, shuffle=True, random_state=split).split(x, y)
    train, test = list(parts)[max(config.fold, 0)]
    model = classifier(config.model, x.shape[1:], 10, width=config.width, seed=network)
    steps = config.total_steps // config.epochs // config.batch_size
    train = train[: (steps + 1) * config.batch_size - 1]  # folds differ by an example
    training = Training(model, config, steps=steps, classes=10, seed=training_seed)
    return _supervised.classify(track, training, (x[train], y[train]), (x[test], y[test]), names=range(10))


def variants(config):
    """One for each fold."""
    return [{"fold": fold} for fold in range(config.folds)] if config.fold < 0 else []


def summary(track, rows):
    """Logs the table of folds."""
    _supervised.table(track, rows, ("accuracy", "log_loss", "calibration_error"), heading="fold")


if __name__ == "__main__":
    smoke = {"model": "lenet5", "epochs": 2, "folds": 2, "shift": 1}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
