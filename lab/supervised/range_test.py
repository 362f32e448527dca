"""The learning-rate range test."""

import dataclasses
from typing import NamedTuple

import numpy as np

from lab import engine, validation
from lab.supervised.training import make_optimizer


class RangeTest(NamedTuple):
    """What `range_test` found."""

    rates: np.ndarray  # [steps]
    losses: np.ndarray  # [steps], smoothed
    suggestion: float  # a tenth of the rate with the lowest loss


def range_test(training, x, y, *, least=1e-6, most=1.0, steps=100, smoothing=0.9):
    """Trains while the step size grows, to see where the loss falls and where it blows up (Smith 2017, section 3.3, where it grows linearly and
    accuracy is looked at; here geometrically, and the loss).

    Ends where the smoothed loss is four times its lowest value. Afterwards the training's variables are what they were.

    Args:
        training: a `Training`; the optimizer is another of the same recipe.
        x, y: examples.
        least, most: of the step sizes.
        steps: updates.
        smoothing: decay of the losses' mean, corrected for its start.
    """
    validation.POSITIVE.check("least", least)
    validation.FRACTION.check("smoothing", smoothing)
    if not most > least:
        raise ValueError(f"most: expected more than least, {least}, received {most}.")
    x, y = training.check(x, y)
    rates = np.geomspace(least, most, validation.integer("steps", steps, 2))
    model, batches = training.model, training.batches(x, y)
    if not len(batches):
        raise ValueError(f"x: expected at least {training.recipe.batch_size} examples, a batch, received {len(x)}.")
    constant = dataclasses.replace(training.recipe, schedule="constant", warm_up=0.0, learning_rate=float(least))
    optimizer = make_optimizer(constant, training.steps, training.network)
    optimizer.build(model.trainable_variables)

    def update(rate, inputs, targets):
        def loss():
            return training.loss(targets, model(inputs, training=True)), ()

        optimizer.learning_rate = rate
        (value, _), gradients = engine.value_and_grad(loss, model.trainable_variables)()
        optimizer.apply(gradients, model.trainable_variables)
        return value

    program = engine.compile(update, [*model.variables, *optimizer.variables])
    kept = [engine.read(variable) for variable in model.variables]
    losses, mean = [], 0.0
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
