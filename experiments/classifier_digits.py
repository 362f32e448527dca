"""A convolutional classifier of scikit-learn's handwritten digits, stratified 5-fold.

Expected: accuracy >= 0.99 (0.9950 ± 0.0013, 5 seeds)
Time: about 7 minutes of one core
Source: the family's paper (`lab/models/families.py`); Kohavi 1995 for stratified folds.

Each part of the data is the test set once. The accuracy is that of all 1,797 images, each
classified by a network that has not seen it. The 8 x 8 images are enlarged, so that they can be
shifted.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import FAMILIES, Interval, require_name

EXAMPLES = 1797


@dataclass(frozen=True)
class Config(supervised.Supervised):
    """Settings of the classifier."""

    model: str = "resnet20"
    """A family of `lab.models.FAMILIES`."""
    width: Annotated[float, Interval(over=0, high=32)] = 1.0
    """Factor of the family's number of channels."""
    size: Annotated[int, Interval(8, 2_048)] = 16
    """Pixels on a side."""
    folds: Annotated[int, Interval(2, 100)] = 5
    """Parts of the data, each of which is the test set once."""
    epochs: int = 40
    batch_size: int = 32
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    shift: int = 2
    rotation: float = 10.0
    ema: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--model", self.model, FAMILIES)
        validation.require(self.size <= 48 or self.model != "lenet5", "size", "at most 48 for lenet5", self.size)
        validation.require(self.shift < self.size, "shift", f"less than size, {self.size}", self.shift)
        validation.require(self.steps_per_epoch, "batch_size", "at most the examples of all parts but one", self.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch of a fold."""
        return (EXAMPLES - -(-EXAMPLES // self.folds)) // self.batch_size

    @property
    def total_steps(self) -> int:
        """Images seen in the whole run."""
        return self.folds * self.epochs * self.steps_per_epoch * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.Need("digits", 16 * EXAMPLES * self.size**2, "--size")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains on all parts but one and tests on that one, for each part. Returns joint results."""
    import keras
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    from lab import engine
    from lab.data import digits
    from lab.models import classifier
    from lab.supervised import Training, probabilities

    networks, orders, split = supervised.seeds(track, 3)
    x, y = digits(config.size)
    supervised.log_data_digest(track, x, y)
    answers = keras.Variable(np.zeros((len(x), 10)), dtype="float32", trainable=False, name="answers")
    per_fold = config.total_steps // config.folds
    start = 0
    restored = None
    for fold, (train, test) in enumerate(StratifiedKFold(config.folds, shuffle=True, random_state=split).split(x, y)):
        train = train[: (config.steps_per_epoch + 1) * config.batch_size - 1]  # parts differ by a few examples
        model = classifier(config.model, x.shape[1:], 10, width=config.width, seed=networks + fold)
        training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=10, seed=orders + fold)
        if restored is None:
            start, restored = track.restore([*training.state, answers]), training
        done = max(start - fold * per_fold, 0)  # images of this fold
        if done > per_fold:
            continue
        if done:  # the checkpoint is of this fold, but was restored into the first one's network
            for mine, found in zip(training.state, restored.state, strict=True):
                mine.assign(engine.read(found))
        epoch = done // supervised.per_epoch(training)
        supervised.continue_training(track, training, x[train], y[train], epoch, before=fold * per_fold, extra_state=[answers])
        given = engine.read(answers)
        given[test] = probabilities(training.predict(x[test]))
        answers.assign(given)
    track.saving = False
    track.model(model)
    return supervised.log_report(track, y, engine.read(answers), x, names=range(10))


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"model": "lenet5", "epochs": 2, "folds": 2, "shift": 1})
