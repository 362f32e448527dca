"""Exploration: epsilon schedules over environment steps, and epsilon-greedy actions."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor


def constant(value: float) -> Callable[[Tensor], Tensor]:
    """A schedule, step -> epsilon, that always gives the same value."""
    return lambda step: value


def linear(start: float, end: float, duration: float) -> Callable[[Tensor], Tensor]:
    """A schedule that goes from start to end, and stays there (Mnih et al. 2015).

        epsilon_t = start + (end - start) min(t / duration, 1)

    t and duration are in environment steps.
    """
    return lambda step: start + (end - start) * ops.minimum(ops.cast(step, "float32") / max(duration, 1), 1.0)


def exponential(start: float, end: float, half_life: float) -> Callable[[Tensor], Tensor]:
    """A schedule that halves its distance to the end in every half-life.

        epsilon_t = end + (start - end) 2^(-t / half_life)

    t and half_life are in environment steps.
    """
    return lambda step: end + (start - end) * ops.power(2.0, -ops.cast(step, "float32") / half_life)


def epsilon_greedy(values: Tensor, epsilon: Tensor, seed: Any, allowed: Tensor | None = None) -> Tensor:
    """A uniformly random action with probability epsilon, otherwise the first of the best actions.

    Args:
        values: action values, `[B, A]`.
        epsilon: probability in [0, 1].
        seed: a `keras.random.SeedGenerator`.
        allowed: which actions may be drawn, `[B, A]` bool; None means all. The values of the others
            are the lowest (`lab.layers.MaskedActions`).

    Returns:
        actions, `[B]` int32.
    """
    batch, actions = ops.shape(values)
    explore = keras.random.uniform((batch,), seed=seed) < epsilon
    if allowed is None:
        anything = keras.random.randint((batch,), 0, actions, seed=seed)
    else:
        draws = keras.random.uniform((batch, actions), seed=seed)  # the largest of equally distributed numbers
        anything = ops.cast(ops.argmax(ops.where(allowed, draws, -1.0), axis=-1), "int32")
    return ops.where(explore, anything, ops.cast(ops.argmax(values, axis=-1), "int32"))


def host_epsilon_greedy(
    values: np.ndarray, epsilon: float, generator: np.random.Generator, allowed: np.ndarray | None = None
) -> np.ndarray:
    """`epsilon_greedy` of NumPy arrays, with randomness from a NumPy generator."""
    batch, actions = values.shape
    greedy: Any = values.argmax(axis=-1)
    explore: Any = generator.random(batch) < epsilon
    if explore.any():
        if allowed is None:
            anything = np.asarray(generator.integers(actions, size=batch))
        else:
            anything = np.where(allowed, generator.random(values.shape), -1.0).argmax(axis=-1)
        greedy[explore] = anything[explore]
    return greedy
