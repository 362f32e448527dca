"""Generated tasks for networks with a memory: copy, repeat, recall, sort.

All sequences of a task have the same number of steps, so that one compiled program takes them: the
steps of the longest, or more by `steps`. A mask says where answers are due.
"""

from typing import NamedTuple

import numpy as np

from lab import validation


class TaskSequences(NamedTuple):
    """Sequences with the answers that are due."""

    x: np.ndarray  # float32 [count, T, D]
    y: np.ndarray  # float32 [count, T, K]: bits; 0 where no answer is due
    mask: np.ndarray  # float32 [count, T]: 1 where an answer is due

    @property
    def targets(self) -> np.ndarray:
        """y and the mask side by side, `[count, T, K + 1]`, as `lab.losses.masked` takes them."""
        return np.concatenate([self.y, self.mask[..., None]], axis=-1)


RepeatCopy = TaskSequences


def copy_bits(
    count: int,
    *,
    bits: int = 8,
    lengths: tuple[int, int] = (1, 20),
    backwards: bool = False,
    steps: int | None = None,
    seed: int = 0,
) -> TaskSequences:
    """Copy: random vectors of bits, a sign, and the vectors again.

    After the sign the inputs are 0.

    Source: Graves et al. 2014, section 4.1; backwards: "reverse" of Deletang et al. 2023.

    Args:
        count: number of sequences.
        bits: of each vector.
        lengths: the least and the greatest number of vectors, drawn uniformly.
        backwards: whether the answer is the vectors in reverse order.
        steps: T, at least 2 x the greatest length + 1, which is the default.
        seed: of all that is drawn.

    Returns:
        x `[count, T, bits + 1]` with the sign in the last channel, y `[count, T, bits]`.
    """
    count, bits = validation.integer("count", count), validation.integer("bits", bits)
    validation.integer_range("lengths", lengths)
    longest = lengths[1]
    steps = _steps(steps, 2 * longest + 1)
    rng = np.random.default_rng(seed)
    sizes = rng.integers(lengths[0], longest + 1, count)
    data = rng.integers(0, 2, (count, longest, bits)).astype("float32")
    x = np.zeros((count, steps, bits + 1), "float32")
    y = np.zeros((count, steps, bits), "float32")
    mask = np.zeros((count, steps), "float32")
    places = np.arange(longest)
    rows, columns = np.nonzero(places < sizes[:, None])
    x[rows, columns, :bits] = data[rows, columns]
    x[np.arange(count), sizes, bits] = 1
    answers = sizes[rows] + 1 + (sizes[rows] - 1 - columns if backwards else columns)
    y[rows, answers] = data[rows, columns]
    mask[rows, answers] = 1
    return TaskSequences(x, y, mask)


def repeat_copy(
    count: int,
    *,
    bits: int = 8,
    lengths: tuple[int, int] = (1, 10),
    repeats: tuple[int, int] = (1, 10),
    steps: int | None = None,
    scale: int | None = None,
    seed: int = 0,
) -> TaskSequences:
    """Repeat copy: a pattern of bits, to be repeated a given number of times, and an end sign.

    A sequence has a start sign, the pattern, and the number of repeats in a channel of its own.
    Then the answers are due. The number of repeats is divided by `scale`.

    Source: Graves et al. 2014, section 4.2. There the number has mean 0 over its range. In a range
    of odd length the middle number would then be 0, which looks like a vector of zeros.

    Args:
        count: number of sequences.
        bits: of each vector.
        lengths: the least and the greatest number of vectors, drawn uniformly.
        repeats: the least and the greatest number of repeats, drawn uniformly.
        steps: T. By default, the steps of the longest.
        scale: by default, the greatest number of repeats. A test on more repeats takes that of
            training.
        seed: of all that is drawn.

    Returns:
        x `[count, T, bits + 2]`: bits, the start, the number of repeats;
        y `[count, T, bits + 1]`: bits and the end.
    """
    count, bits = validation.integer("count", count), validation.integer("bits", bits)
    scale = repeats[1] if scale is None else validation.integer("scale", scale)
    for name, bounds in {"lengths": lengths, "repeats": repeats}.items():
        validation.integer_range(name, bounds)
    steps = _steps(steps, 3 + lengths[1] * (repeats[1] + 1))
    rng = np.random.default_rng(seed)
    sizes = rng.integers(lengths[0], lengths[1] + 1, count)
    times = rng.integers(repeats[0], repeats[1] + 1, count)
    x = np.zeros((count, steps, bits + 2), "float32")
    y = np.zeros((count, steps, bits + 1), "float32")
    mask = np.zeros((count, steps), "float32")
    for row, (size, repeat) in enumerate(zip(sizes, times)):
        pattern = rng.integers(0, 2, (size, bits))
        x[row, 0, bits] = 1
        x[row, 1 : size + 1, :bits] = pattern
        x[row, size + 1, bits + 1] = repeat / scale
        start, end = size + 2, size + 2 + size * repeat
        y[row, start:end, :bits] = np.tile(pattern, (repeat, 1))
        y[row, end, bits] = 1
        mask[row, start : end + 1] = 1
    return TaskSequences(x, y, mask)


def associative_recall(
    count: int,
    *,
    items: tuple[int, int] = (2, 6),
    size: int = 3,
    bits: int = 6,
    steps: int | None = None,
    seed: int = 0,
) -> TaskSequences:
    """Associative recall: the item that came after a given one.

    An item is `size` random vectors of bits. A sign stands before each item. Then one item is shown
    again between two other signs, never the last, and the item after it is due.

    Source: Graves et al. 2014, section 4.3.

    Args:
        count: number of sequences.
        items: the least and the greatest number of items, >= 2, drawn uniformly.
        size: vectors of an item.
        bits: of each vector.
        steps: T. By default, the steps of the longest: (items + 1)(size + 1) + 1 + size.
        seed: of all that is drawn.

    Returns:
        x `[count, T, bits + 2]` with the signs of items and of the question, y `[count, T, bits]`.
    """
    count, bits = validation.integer("count", count), validation.integer("bits", bits)
    size = validation.integer("size", size)
    validation.integer_range("items", items, 2)
    steps = _steps(steps, (items[1] + 1) * (size + 1) + 1 + size)
    rng = np.random.default_rng(seed)
    numbers = rng.integers(items[0], items[1] + 1, count)
    asked = (rng.uniform(size=count) * (numbers - 1)).astype(int)
    data = rng.integers(0, 2, (count, items[1], size, bits))
    x = np.zeros((count, steps, bits + 2), "float32")
    y = np.zeros((count, steps, bits), "float32")
    mask = np.zeros((count, steps), "float32")
    for row, (number, item) in enumerate(zip(numbers, asked)):
        shown = x[row, : number * (size + 1)].reshape(number, size + 1, bits + 2)
        shown[:, 0, bits] = 1
        shown[:, 1:, :bits] = data[row, :number]
        question = number * (size + 1)
        answer = question + size + 2
        x[row, [question, answer - 1], bits + 1] = 1
        x[row, question + 1 : answer - 1, :bits] = data[row, item]
        y[row, answer : answer + size] = data[row, item + 1]
        mask[row, answer : answer + size] = 1
    return TaskSequences(x, y, mask)


def priority_sort(
    count: int,
    *,
    inputs: int = 20,
    outputs: int = 16,
    bits: int = 8,
    seed: int = 0,
) -> TaskSequences:
    """Priority sort: random vectors with priorities; those of the highest are due in order.

    Source: Graves et al. 2014, section 4.5.

    Args:
        count: number of sequences.
        inputs: vectors shown.
        outputs: vectors due, <= `inputs`: the highest priority first.
        bits: of each vector.
        seed: of all that is drawn.

    Returns:
        x `[count, inputs + 1 + outputs, bits + 2]`: bits, the priority in -1..1, a sign before the
        answers; y `[count, inputs + 1 + outputs, bits]`.
    """
    count, bits = validation.integer("count", count), validation.integer("bits", bits)
    inputs, outputs = validation.integer("inputs", inputs), validation.integer("outputs", outputs)
    if outputs > inputs:
        raise ValueError(f"outputs: expected at most inputs, {inputs}, received {outputs}.")
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 2, (count, inputs, bits)).astype("float32")
    priorities = rng.uniform(-1, 1, (count, inputs)).astype("float32")
    order = np.argsort(-priorities, axis=1, kind="stable")[:, :outputs]
    steps = inputs + 1 + outputs
    x = np.zeros((count, steps, bits + 2), "float32")
    y = np.zeros((count, steps, bits), "float32")
    mask = np.zeros((count, steps), "float32")
    x[:, :inputs, :bits] = data
    x[:, :inputs, bits] = priorities
    x[:, inputs, bits + 1] = 1
    y[:, inputs + 1 :] = np.take_along_axis(data, order[..., None], axis=1)
    mask[:, inputs + 1 :] = 1
    return TaskSequences(x, y, mask)


def _steps(steps, needed):
    if steps is None:
        return needed
    if steps < needed:
        raise ValueError(f"steps: expected at least {needed}, those of the longest sequence, received {steps}.")
    return steps
