"""The learning-rate range test."""

import dataclasses
from typing import NamedTuple

import numpy as np

from lab import engine, validation
from lab.supervised.optimization import make_optimizer
from lab.supervised.training import Training


class RangeTest(NamedTuple):
    """What `range_test` found."""

    rates: np.ndarray  # [steps]
    losses: np.ndarray  # [steps], smoothed
    suggestion: float  # a tenth of the rate with the lowest loss


def range_test(
    training: Training,
    x: np.typing.ArrayLike,
    y: np.typing.ArrayLike,
    *,
    least: float = 1e-6,
    most: float = 1.0,
    steps: int = 100,
    smoothing: float = 0.9,
) -> RangeTest:
    """Trains with a growing learning rate: where the loss falls, where it explodes.

    The learning-rate range test (Smith 2017, section 3.3). Differences from the paper: the rate
    grows geometrically instead of linearly, and the loss is measured instead of the accuracy.

    It ends where the smoothed loss is four times its lowest value. Afterwards the variables of the
    training have their old values.

    Args:
        training: a `Training`. The test uses a new optimizer of the same recipe.
        x, y: examples.
        least, most: the first and the last learning rate.
        steps: updates.
        smoothing: decay of the losses' moving average, whose start is corrected for.
    """
    validation.POSITIVE.check("least", least)
    validation.FRACTION.check("smoothing", smoothing)
    if not most > least:
        raise ValueError(f"most: expected more than least, {least}, received {most}.")
    x, y = training.check(x, y)
    rates = np.geomspace(least, most, validation.integer("steps", steps, 2))
    batches = training.batches(x, y)
    if not len(batches):
        raise ValueError(f"x: expected at least {training.recipe.batch_size} examples, a batch, received {len(x)}.")
    model = training.model
    update, variables = _update(training, least)
    program = engine.compile(update, [*model.variables, *variables])
    kept = [engine.read(variable) for variable in model.variables]
    losses: list[float] = []
    mean = 0.0
    for i, rate in enumerate(rates):
        if i % len(batches) == 0:
            batches.begin(i // len(batches))
        mean = smoothing * mean + (1 - smoothing) * float(program(np.float32(rate), *batches[i % len(batches)]))
        losses.append(mean / (1 - smoothing ** (i + 1)))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    for variable, value in zip(model.variables, kept, strict=True):
        variable.assign(value)
    found = np.array(losses)
    best = int(np.argmin(np.where(np.isfinite(found), found, np.inf)))
    return RangeTest(rates[: len(found)], found, float(rates[best] / 10))


def _update(training, rate):
    """A program of one update, (learning rate, inputs, targets) -> loss, and its variables."""
    model = training.model
    constant = dataclasses.replace(training.recipe, schedule="constant", warm_up=0.0, learning_rate=float(rate))
    optimizer = make_optimizer(constant, training.steps_per_epoch, training.network)
    optimizer.build(model.trainable_variables)

    def update(rate, inputs, targets):
        def loss():
            return training.loss(targets, model(inputs, training=True)), ()

        optimizer.learning_rate = rate
        (value, _), gradients = engine.value_and_grad(loss, model.trainable_variables)()
        optimizer.apply(gradients, model.trainable_variables)
        return value

    return update, optimizer.variables
