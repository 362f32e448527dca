"""What the supervised experiments share: `Training.fit`, tracked and checkpointed at the epochs' boundaries, and the pictures of a classifier."""

import dataclasses
import time
from dataclasses import dataclass
from typing import Annotated, ClassVar

from experiments.common.gan import know as know
from experiments.common.gan import seeds as seeds
from lab import validation
from lab.supervised.recipe import Recipe
from lab.validation import Interval

OF_IMAGES = ("shift", "flip", "rotation", "cutmix")  # settings of a recipe that mean nothing for other examples


@dataclass(frozen=True)
class Supervised(Recipe):
    """A recipe of which some settings would do nothing."""

    unused: ClassVar[tuple[str, ...]] = ("patience",)

    def __post_init__(self):
        super().__post_init__()
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        for name in self.unused:
            validation.require(
                getattr(self, name) == usual[name], name, f"{usual[name]}, for it does nothing here", getattr(self, name)
            )


@dataclass(frozen=True)
class Sampled(Supervised):
    """Settings of a run over so many examples."""

    samples: Annotated[int, Interval(1, 10**9)] = 10_000
    """Examples to train on."""

    def __post_init__(self):
        super().__post_init__()
        validation.require(self.batch_size <= self.samples, "batch_size", f"at most samples, {self.samples}", self.batch_size)

    @property
    def steps_per_epoch(self):
        """Updates in an epoch."""
        return self.samples // self.batch_size

    @property
    def total_steps(self):
        """Examples seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size


def fit(track, training, x, y, *, validation=None, enough=0.0):
    """`training.fit`, from the newest checkpoint on; what counts are examples seen. What is trained on must be what it was.

    Args:
        enough: training ends at a validation loss below it.
    """
    know(track, x, y, *(validation or ()))
    seen = track.restore(training.state)
    losses = [value for step, value in track.metrics().get("validation_loss", ()) if step <= seen]
    if min(losses, default=enough) < enough:
        training.finish()
    else:
        go_on(track, training, x, y, seen // per_epoch(training), validation=validation, enough=enough)
    track.saving = False


def per_epoch(training):
    """Examples seen in an epoch."""
    return training.steps * training.recipe.batch_size


def go_on(track, training, x, y, start, *, validation=None, enough=0.0, before=0, besides=()):
    """`training.fit` from an epoch on, logged and checkpointed.

    Args:
        enough: training ends at a validation loss below it.
        before: examples seen by what was trained earlier in the run.
        besides: variables that belong into a checkpoint, besides the training's.
    """
    import keras

    recipe, seen_in_epoch = training.recipe, per_epoch(training)
    every = -(-track.checkpoint_interval() // seen_in_epoch)  # epochs
    clock = [0.0]

    def begin(epoch, logs):
        clock[0] = time.perf_counter()

    def batch(number, logs):
        if number >= training.steps - 1:  # of several at once the last; validation is not training
            clock[0] = time.perf_counter() - clock[0]

    def end(epoch, logs):
        seen = before + (epoch + 1) * seen_in_epoch
        named = {key.replace("val_", "validation_"): float(value) for key, value in logs.items()}
        rate = float(keras.ops.convert_to_numpy(training.optimizer.learning_rate))
        track.log(named | {"learning_rate": rate, "examples_per_second": seen_in_epoch / clock[0]}, seen)
        if logs.get("val_loss", enough) < enough:
            training.model.stop_training = True
        if (epoch + 1) % every == 0 or epoch + 1 == recipe.epochs or training.model.stop_training:
            track.checkpoint([*training.state, *besides], seen)

    tracked = keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_train_batch_end=batch, on_epoch_end=end)
    training.fit(x, y, validation=validation, initial_epoch=start, callbacks=[tracked])


def classify(track, training, train, test, *, names, validation=None):
    """Trains a classifier of images and reports on the test set; see `tell`."""
    from lab.supervised import probabilities

    fit(track, training, *train, validation=validation)
    x, y = test
    track.model(training.network)
    return tell(track, y, probabilities(training.predict(x)), x, names=names)


def tell(track, labels, probabilities, images, *, names):
    """Logs the report of a classifier and its curve. Returns accuracy, log-loss and calibration error as a dict."""
    from lab.supervised import save_report

    made, files = save_report(track.artifacts, labels, probabilities, images, names=names)
    for name in files:
        track.artifact(name)
    track.curve("loss", label="mean loss of an epoch, nats", x_label="examples seen")
    return {"accuracy": made.accuracy, "log_loss": made.log_loss, "calibration_error": made.calibration_error}


def milliseconds_per_step(track, training):
    """The median over epochs, the first one, in which programs are compiled, left out where there are others."""
    import numpy as np

    rates = [value for _, value in track.metrics()["examples_per_second"]]
    return float(1000 * training.recipe.batch_size / np.median(rates[1:] or rates))


def table(track, rows, names, *, heading, file="table.md"):
    """Logs a table of the runs' results: a line for each variant, mean and 95 % interval of each result. Returns its lines."""
    from lab.runs.children import summarize

    lines = [f"| {heading} | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for label, results in rows.items():
        means = summarize(results)
        cells = [f"{means[name]:.4g}" + (f" ± {means[f'{name}_interval']:.2g}" if len(results) > 1 else "") for name in names]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    (track.artifacts / file).write_text("\n".join(lines) + "\n")
    track.artifact(file)
    return lines


def distinct(name, values):
    """Variants must be different ones: a run would count twice."""
    validation.require(values, name, "at least one", values)
    validation.require(len(set(values)) == len(values), name, "different ones", values)
