"""The loop behind `GAN.fit`: a fixed order of the examples, and many updates in one compiled call.

The order depends on the seed and the epoch alone. Keras's own trainer makes one call for each
update, and on JAX it passes all state by hand. Here Keras's callbacks run over `lab.engine`.
"""

import collections
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from lab import engine, errors, validation
from lab.data.conventions import as_array, check_set
from lab.gan.players import check_labels

if TYPE_CHECKING:
    from lab.gan.gan import GAN


def fit(
    gan: "GAN",
    x: Any,
    y: Any = None,
    batch_size: int = 64,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: list[keras.callbacks.Callback] | None = None,
    initial_epoch: int = 0,
) -> keras.callbacks.History:
    """Trains on samples `x` (and labels `y`), as `keras.Model.fit` does.

    Args:
        x: all samples, `[N, ...]`. Integers from 0 to 255 (uint8) become -1 to 1.
        y: integers `[N]`, where the players see labels; the target pictures of a translation.
        batch_size: samples in each turn of the discriminator. What is left of an epoch is dropped.
    """
    x, y = gan.rule.check_samples(gan, x, y)
    size = validation.integer("batch_size", batch_size) * gan.discriminator_steps
    engine.require_batch("batch_size", batch_size)
    if batch_size % gan.pac:
        raise ValueError(f"batch_size: expected a multiple of pac, {gan.pac}, received {batch_size}.")
    steps_per_epoch = updates_per_epoch(gan, samples_per_epoch(gan, x, y), batch_size)
    execution = min(gan.steps_per_execution, steps_per_epoch)
    execution -= execution % gan.penalty_interval if execution > 1 else 0
    bar = {"add_progbar": verbose not in (0, False), "verbose": 1 if verbose == "auto" else verbose}
    callback_list = keras.callbacks.CallbackList(
        callbacks, add_history=True, model=gan, epochs=epochs, steps=steps_per_epoch, **bar
    )
    gan.stop_training = False
    owners = owned(gan)
    callback_list.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        callback_list.on_epoch_begin(epoch)
        totals: dict[str, float] = collections.defaultdict(float)
        weights: dict[str, int] = collections.Counter()
        start = epoch * steps_per_epoch
        drawn = batches(x, y, size, steps_per_epoch, execution, seed=gan.seed, epoch=epoch, unpaired=gan.rule.unpaired)
        for first, batch in drawn:
            count = len(batch[0])
            callback_list.on_train_batch_begin(first)
            metrics = execute(gan, batch, regularize=(start + first) % gan.penalty_interval == 0)
            errors.require_finite_metrics(metrics, owners, f"update {start + first + count}")
            for key, value in metrics.items():
                totals[key] += value * count
                weights[key] += count
            callback_list.on_train_batch_end(first + count - 1, metrics)
        errors.require_finite_variables(owners, f"update {start + steps_per_epoch}")  # before a callback saves it
        callback_list.on_epoch_end(epoch, {key: total / weights[key] for key, total in totals.items()})
        if gan.stop_training:
            break
    callback_list.on_train_end()
    return gan.history


def updates_per_epoch(gan: "GAN", samples: int, batch_size: int) -> int:
    """How many updates an epoch has: whole batches and whole groups.

    Where many updates are one call, the first of each `penalty_interval` has penalties. These are a
    group.
    """
    size = batch_size * gan.discriminator_steps
    updates = samples // size
    if updates < 1:
        raise ValueError(f"x: expected at least {size} samples, for one update, received {samples}.")
    execution = min(gan.steps_per_execution, updates)
    interval = gan.penalty_interval
    if execution == 1:
        return updates
    if interval > execution:
        raise ValueError(f"penalty_interval: expected at most the {execution} updates of an execution, received {interval}.")
    return updates - updates % interval


def samples_per_epoch(gan: "GAN", x: np.ndarray, y: np.ndarray | None) -> int:
    """How many samples an epoch has: those of the larger set, where the two are not pairs."""
    return max(len(x), len(y)) if gan.rule.unpaired and y is not None else len(x)


def permutations(samples: int, count: int, seed: list[int]) -> np.ndarray:
    """`count` indices: the samples in random order, as often as it takes."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(samples) for _ in range(-(-count // samples))])[:count]


def batches(
    x: np.ndarray,
    y: np.ndarray | None,
    size: int,
    steps_per_epoch: int,
    execution: int,
    *,
    seed: int,
    epoch: int,
    unpaired: bool = False,
) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Yields (first update, arrays `[updates, size, ...]`) of an epoch, in random order.

    Args:
        size: examples in an update.
        execution: updates in one compiled call.
        unpaired: whether x and y are two sets, each in an order of its own. An epoch has as many
            samples as the larger one. The smaller one is repeated.
    """
    count = max(len(x), len(y)) if unpaired and y is not None else len(x)
    order = other = permutations(len(x), count, [seed, epoch])
    if unpaired and y is not None:
        other = permutations(len(y), count, [seed, epoch, 1])
    for first in range(0, steps_per_epoch, execution):
        part = slice(first * size, min(first + execution, steps_per_epoch) * size)
        chosen, others = order[part].reshape(-1, size), other[part].reshape(-1, size)
        yield first, (x[chosen],) if y is None else (x[chosen], y[others])


def execute(gan: "GAN", batch: tuple[np.ndarray, ...], *, regularize: bool) -> dict[str, float]:
    """Runs the updates of a batch `[updates, size, ...]` in one call, compiled at the first.

    Returns their mean metrics.
    """
    single = len(batch[0]) == 1
    key = (single, regularize)
    if key not in gan.programs:
        program = functools.partial(gan.update, regularize=regularize) if single else many(gan)
        gan.programs[key] = engine.compile(program, gan.state, shared=True)
    arguments = engine.shard(tuple(part[0] for part in batch) if single else batch, axis=0 if single else 1)
    return {name: float(np.mean(value)) for name, value in gan.programs[key](*arguments).items()}


def many(gan: "GAN") -> Callable:
    """The program of many updates, one in `penalty_interval` of which has penalties."""
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


def owned(gan: "GAN") -> dict[str, list[keras.Variable]]:
    """The state by its owners, for errors that name a variable."""
    owners = {"generator": gan.generator, "averaged generator": gan.average, "discriminator": gan.discriminator}
    owners |= {"generator's optimizer": gan.generator_optimizer, "discriminator's optimizer": gan.discriminator_optimizer}
    return {name: owner.variables for name, owner in owners.items()}


def check_samples(gan: "GAN", x: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
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
