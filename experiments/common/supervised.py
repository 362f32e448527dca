"""What the supervised experiments share: `Training.fit` with a track, and reports of classifiers.

Checkpoints are made at the ends of epochs.
"""

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

import numpy as np

from experiments.common.gan import log_data_digest as log_data_digest
from experiments.common.gan import seeds as seeds
from lab import validation
from lab.runs.track import Track
from lab.supervised.recipe import Recipe
from lab.validation import Interval

if TYPE_CHECKING:
    import keras

    from lab.supervised import Training
    from lab.supervised.examples import Draw

OF_IMAGES = ("shift", "flip", "rotation", "cutmix")  # settings of a recipe that only images have

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]  # inputs and targets


@dataclass(frozen=True)
class Supervised(Recipe):
    """A recipe whose `unused` settings must keep their defaults: they would do nothing."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`
    unused: ClassVar[tuple[str, ...]] = ("patience",)

    def __post_init__(self) -> None:
        super().__post_init__()
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        for name in self.unused:
            validation.require(
                getattr(self, name) == usual[name], name, f"{usual[name]}, for it does nothing here", getattr(self, name)
            )


@dataclass(frozen=True)
class Sampled(Supervised):
    """Settings of a run with a given number of examples."""

    samples: Annotated[int, Interval(1, 10**9)] = 10_000
    """Examples to train on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.batch_size <= self.samples, "batch_size", f"at most samples, {self.samples}", self.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return self.samples // self.batch_size

    @property
    def total_steps(self) -> int:
        """Examples seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size


def fit(
    track: Track,
    training: "Training",
    x: "np.ndarray | Draw",
    y: np.ndarray | None = None,
    *,
    validation: Pair | None = None,
    stop_below: float = 0.0,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    at_once: int | None = None,
) -> None:
    """`training.fit`, from the newest checkpoint on. A step of the run is an example seen.

    A resumed run must have the same examples as before.

    Args:
        x, y: as of `Training.fit`.
        stop_below: training ends when the validation loss is below it.
        callbacks: Keras's, called before an epoch's checkpoint.
        at_once: validation examples in a batch, as of `Training.fit`.
    """
    first = x(0) if callable(x) else (x, np.asarray(y))
    log_data_digest(track, *first, *(validation or ()))
    seen = track.restore(training.state)
    losses = [value for step, value in track.metrics().get("validation_loss", ()) if step <= seen]
    if min(losses, default=stop_below) < stop_below:
        training.finish()
    else:
        start = seen // per_epoch(training)
        continue_training(
            track, training, x, y, start, validation=validation, stop_below=stop_below, callbacks=callbacks, at_once=at_once
        )
    track.saving = False


def per_epoch(training: "Training") -> int:
    """Examples seen in an epoch."""
    return training.steps_per_epoch * training.recipe.batch_size


def continue_training(
    track: Track,
    training: "Training",
    x: "np.ndarray | Draw",
    y: np.ndarray | None,
    start: int,
    *,
    validation: Pair | None = None,
    stop_below: float = 0.0,
    before: int = 0,
    extra_state: "Iterable[keras.Variable]" = (),
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    at_once: int | None = None,
) -> None:
    """`training.fit` from an epoch on, logged and checkpointed.

    Args:
        start: the epoch, from 0.
        stop_below: training ends when the validation loss is below it.
        before: examples seen by earlier trainings of the same run.
        extra_state: variables that a checkpoint has in addition to those of the training.
        callbacks: Keras's, called before an epoch's checkpoint.
        at_once: validation examples in a batch.
    """
    import keras

    recipe, seen_in_epoch = training.recipe, per_epoch(training)
    every = -(-track.checkpoint_interval() // seen_in_epoch)  # epochs
    clock = [0.0]

    def begin(epoch, logs):
        clock[0] = time.perf_counter()

    def batch(number, logs):
        # Of several updates in one call the last one is reported. Validation is not training.
        if number >= training.steps_per_epoch - 1:
            clock[0] = time.perf_counter() - clock[0]

    def end(epoch, logs):
        seen = before + (epoch + 1) * seen_in_epoch
        named = {key.replace("val_", "validation_"): float(value) for key, value in logs.items()}
        rate = float(keras.ops.convert_to_numpy(training.optimizer.learning_rate))
        track.log(named | {"learning_rate": rate, "examples_per_second": seen_in_epoch / clock[0]}, seen)
        if logs.get("val_loss", stop_below) < stop_below:
            training.model.stop_training = True
        if (epoch + 1) % every == 0 or epoch + 1 == recipe.epochs or training.model.stop_training:
            track.checkpoint([*training.state, *extra_state], seen)

    tracked = keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_train_batch_end=batch, on_epoch_end=end)
    training.fit(
        x, y, validation=validation, validation_batch_size=at_once, initial_epoch=start, callbacks=[*callbacks, tracked]
    )


def classify(
    track: Track,
    training: "Training",
    train: Pair,
    test: Pair,
    *,
    names: Iterable[Any],
    validation: Pair | None = None,
) -> dict[str, float]:
    """Trains a classifier of images and reports on the test set; see `log_report`."""
    from lab.supervised import probabilities

    fit(track, training, *train, validation=validation)
    x, y = test
    track.model(training.network)
    return log_report(track, y, probabilities(training.predict(x)), x, names=names)


def log_report(
    track: Track,
    labels: np.ndarray,
    probabilities: np.ndarray,
    images: np.ndarray | None,
    *,
    names: Iterable[Any],
) -> dict[str, float]:
    """Logs the report of a classifier and its learning curve.

    Returns:
        accuracy, log-loss and calibration error.
    """
    from lab.supervised import save_report

    made, files = save_report(track.artifacts, labels, probabilities, images, names=names)
    for name in files:
        track.artifact(name)
    title = f"Training loss of a classifier of {len(made.classes)} classes"
    track.curve("loss", label="mean loss of an epoch, nats", x_label="examples seen", title=title)
    return {"accuracy": made.accuracy, "log_loss": made.log_loss, "calibration_error": made.calibration_error}


def milliseconds_per_step(track: Track, training: "Training") -> float:
    """The median time of an update, over epochs.

    Programs are compiled in the first epoch. It is left out where there are others.
    """
    rates = [value for _, value in track.metrics()["examples_per_second"]]
    return float(1000 * training.recipe.batch_size / np.median(rates[1:] or rates))


def table(
    track: Track,
    rows: Mapping[str, list[dict[str, float]]],
    names: Sequence[str],
    *,
    heading: str,
    file: str = "table.md",
) -> list[str]:
    """Logs a table with a line for each variant. Returns its lines.

    With several seeds a result is its mean ± the half-width of the 95 % interval.

    Args:
        rows: {label of a variant: the results of each seed}.
        names: of the results in the columns.
        heading: of the first column.
    """
    from lab.runs.children import summarize

    lines = [f"| {heading} | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for label, results in rows.items():
        means = summarize(results)
        cells = [f"{means[name]:.4g}" + (f" ± {means[f'{name}_interval']:.2g}" if len(results) > 1 else "") for name in names]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    (track.artifacts / file).write_text("\n".join(lines) + "\n")
    track.artifact(file)
    return lines


def distinct(name: str, values: Sequence[Any]) -> None:
    """There must be variants, and none of them twice: its run would count twice."""
    validation.require(values, name, "at least one", values)
    validation.require(len(set(values)) == len(values), name, "different ones", values)
