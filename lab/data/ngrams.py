"""Dynamic n-grams: a task for networks with a memory whose best answer is known."""

import numpy as np
from numpy.typing import ArrayLike

from lab import validation
from lab.data.memory_tasks import TaskSequences


def dynamic_ngrams(count: int, *, length: int = 200, order: int = 6, seed: int = 0) -> TaskSequences:
    """Dynamic n-grams: bits that depend on the `order` - 1 bits before, in each sequence anew.

        P(1 | context) ~ Beta(1/2, 1/2), one number for each of the 2^(order - 1) contexts

    Step t shows bit t and asks for bit t + 1, as soon as a whole context has been seen. The best
    answer is `ngram_posterior`.

    Source: Graves et al. 2014, section 4.4.

    Args:
        count: number of sequences.
        length: T, the number of questions and of bits shown.
        order: n.
        seed: of all that is drawn.

    Returns:
        x `[count, length, 1]`, y `[count, length, 1]`.
    """
    count, order = validation.integer("count", count), validation.integer("order", order, 2)
    length = validation.integer("length", length, order)
    rng = np.random.default_rng(seed)
    table = rng.beta(0.5, 0.5, (count, 2 ** (order - 1)))
    bits = np.zeros((count, length + 1), int)
    bits[:, : order - 1] = rng.integers(0, 2, (count, order - 1))
    draws = rng.uniform(size=(count, length + 1))
    for step in range(order - 1, length + 1):
        bits[:, step] = draws[:, step] < table[np.arange(count), _contexts(bits, step, order)]
    mask = np.zeros((count, length), "float32")
    mask[:, order - 2 :] = 1
    x, y = bits[:, :-1, None].astype("float32"), bits[:, 1:, None].astype("float32") * mask[..., None]
    return TaskSequences(x, y, mask)


def ngram_posterior(x: ArrayLike, *, order: int = 6) -> np.ndarray:
    """The probability that the next bit is 1, by the best predictor, float64 `[count, length]`.

        (N1 + 1/2) / (N0 + N1 + 1)

    N0 and N1 count the bits that followed the same context so far (Murphy 2012; Graves et al. 2014,
    eq. 10). Before a whole context has been seen the probability is 1/2.

    Args:
        x: of `dynamic_ngrams`.
        order: n.
    """
    bits = np.asarray(x)[..., 0].astype(int)
    count, length = bits.shape
    rows, seen = np.arange(count), np.zeros((count, 2 ** (order - 1), 2))
    found = np.full((count, length), 0.5)
    for step in range(order - 2, length):
        context = _contexts(bits, step + 1, order)
        zeros, ones = seen[rows, context].T
        found[:, step] = (ones + 0.5) / (zeros + ones + 1)
        if step + 1 < length:
            seen[rows, context, bits[:, step + 1]] += 1
    return found


def _contexts(bits, step, order):
    """The `order` - 1 bits before a step, as a number for each sequence."""
    return bits[:, step - order + 1 : step] @ (1 << np.arange(order - 1))
