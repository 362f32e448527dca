"""The loop behind `GAN.fit`: examples in an order that depends on seed and epoch alone, many updates in one compiled call.

Keras's own trainer makes one call per update, and on JAX passes all state by hand; this drives Keras's callbacks over `lab.engine`.
"""

import collections

import keras
import numpy as np
from keras import ops

from lab import engine, errors, validation
from lab.data.conventions import as_array, check_set
from lab.gan.players import check_labels


def fit(gan, x, y, batch_size, epochs, verbose, callbacks, initial_epoch):
    """See `GAN.fit`. A training batch has `batch_size` samples for each of the discriminator's turns; what is left of an epoch is dropped."""
    x, y = check_samples(gan, x, y)
    size = validation.integer("batch_size", batch_size) * gan.discriminator_steps
    if batch_size % gan.pac:
        raise ValueError(f"batch_size: expected a multiple of pac, {gan.pac}, received {batch_size}.")
    steps = updates_per_epoch(gan, len(x), batch_size)
    execution = min(gan.steps_per_execution, steps)
    execution -= execution % gan.penalty_interval if execution > 1 else 0
    callbacks = keras.callbacks.CallbackList(
        callbacks, add_history=True, add_progbar=verbose not in (0, False), model=gan, verbose=1 if verbose == "auto" else verbose, epochs=epochs, steps=steps
    )  # fmt: skip
    gan.stop_training, owners = False, owned(gan)
    callbacks.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        callbacks.on_epoch_begin(epoch)
        totals: dict[str, float] = collections.defaultdict(float)
        weights: dict[str, int] = collections.Counter()
        for first, batch in batches(x, y, size, steps, execution, seed=gan.seed, epoch=epoch):
            count = len(batch[0])
            callbacks.on_train_batch_begin(first)
            metrics = execute(gan, batch, regularize=(epoch * steps + first) % gan.penalty_interval == 0)
            errors.require_finite_metrics(metrics, owners, f"update {epoch * steps + first + count}")
            for key, value in metrics.items():
                totals[key] += value * count
                weights[key] += count
            callbacks.on_train_batch_end(first + count - 1, metrics)
        errors.require_finite_variables(owners, f"update {(epoch + 1) * steps}")  # before anybody saves it
        callbacks.on_epoch_end(epoch, {key: total / weights[key] for key, total in totals.items()})
        if gan.stop_training:
            break
    callbacks.on_train_end()
    return gan.history


def updates_per_epoch(gan, samples, batch_size):
    """Whole batches and, where many updates are one call, of which the first of each group has penalties, whole groups."""
    size = batch_size * gan.discriminator_steps
    steps = samples // size
    if steps < 1:
        raise ValueError(f"x: expected at least {size} samples, for one update, received {samples}.")
    execution, interval = min(gan.steps_per_execution, steps), gan.penalty_interval
    if execution == 1:
        return steps
    if interval > execution:
        raise ValueError(f"penalty_interval: expected at most the {execution} updates of an execution, received {interval}.")
    return steps - steps % interval


def batches(x, y, size, steps, execution, *, seed, epoch):
    """Yields (first update, arrays `[updates, size, ...]`) of an epoch, its examples in random order."""
    order = np.random.default_rng([seed, epoch]).permutation(len(x))
    for first in range(0, steps, execution):
        chosen = order[first * size : min(first + execution, steps) * size].reshape(-1, size)
        yield first, (x[chosen],) if y is None else (x[chosen], y[chosen])


def execute(gan, batch, *, regularize):
    """Runs the updates of a batch `[updates, size, ...]` in one call, compiled at the first. Returns their mean metrics as floats."""
    key = (len(batch[0]) == 1, regularize)
    if key not in gan.programs:
        gan.programs[key] = engine.compile(one(gan, regularize) if key[0] else many(gan), gan.state)
    return {name: float(np.mean(value)) for name, value in gan.programs[key](*batch).items()}


def one(gan, regularize):
    """The program of a single update."""
    return lambda *batch: gan.update(*(part[0] for part in batch), regularize=regularize)


def many(gan):
    """The program of many updates, of which each `penalty_interval`-th has penalties."""
    interval = gan.penalty_interval

    def group(parts):
        first = gan.update(*(part[0] for part in parts), regularize=True)
        if interval == 1:
            return first
        others = engine.scan(lambda rest: gan.update(*rest, regularize=False), gan.state, tuple(part[1:] for part in parts))
        return {key: (first[key] + ops.sum(others[key])) / interval if key in others else first[key] for key in first}

    def program(*batch):
        groups = tuple(ops.reshape(part, (part.shape[0] // interval, interval, *part.shape[1:])) for part in batch)
        return engine.scan(group, gan.state, groups)

    return program


def owned(gan):
    """The state by its owners, for those who name a variable."""
    owners = {"generator": gan.generator, "averaged generator": gan.average, "discriminator": gan.discriminator}
    owners |= {"generator's optimizer": gan.generator_optimizer, "discriminator's optimizer": gan.discriminator_optimizer}
    return {name: owner.variables for name, owner in owners.items()}


def check_samples(gan, x, y):
    """Samples and labels must be what the players take. Returns them as arrays."""
    shape = tuple(gan.generator.outputs[0].shape[1:])
    x = as_array("x", x)
    if x.shape[1:] != shape:
        raise ValueError(f"x: expected samples as the generator makes them, {shape}, received {x.shape[1:]}.")
    check_set("x", x)
    if gan.classes is not None:
        return x, check_labels("y", y, len(x), gan.classes)
    if y is not None:
        raise ValueError("y: expected no labels, for no player takes them, received some.")
    return x, None
