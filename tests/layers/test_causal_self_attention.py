"""Causal self-attention against loops in NumPy, and what its positions mean."""

import keras
import numpy as np
import pytest

from lab.layers import CausalSelfAttention, LearntPositions
from tests.contracts import as_array, raises, uniform

X = uniform(0, 2, 5, 8)


def turned(x, step):
    """A head's numbers as complex ones, turned by the step's angles."""
    size = len(x)
    pairs = (x[::2] + 1j * x[1::2]) * np.exp(1j * step * 10_000.0 ** (-np.arange(0, size, 2) / size))
    return np.stack([pairs.real, pairs.imag], -1).ravel()


def attended(layer, x, rotary, known):
    q, k, v, o = (as_array(w).astype("float64") for w in layer.get_weights())
    steps, size = x.shape
    width = size // layer.heads
    result = np.zeros((steps, size))
    for head in range(layer.heads):
        own = slice(head * width, (head + 1) * width)
        turn = turned if rotary else lambda vector, step: vector
        queries = [turn((row @ q)[own], t) for t, row in enumerate(x)]
        keys = [turn((row @ k)[own], t) for t, row in enumerate(x)]
        for t in range(steps):
            seen = [s for s in range(t + 1) if known[s]]
            powers = np.exp([queries[t] @ keys[s] / np.sqrt(width) for s in seen])
            result[t, own] = sum(power * (x[s] @ v)[own] for power, s in zip(powers / powers.sum(), seen))
    return result @ o


@pytest.mark.parametrize("rotary", [True, False])
@pytest.mark.parametrize("heads", [1, 2])
def test_it_is_the_papers(rotary, heads):
    layer = CausalSelfAttention(heads, rotary, seed=1)
    mask = np.array([[True, True, False, True, True], [True] * 5])
    got = as_array(layer(X, mask=mask))
    for row, known, output in zip(X, mask, got):
        np.testing.assert_allclose(output, attended(layer, row.astype("float64"), rotary, known), atol=1e-5)
    np.testing.assert_allclose(as_array(layer(X))[1], got[1], atol=1e-6)


def test_only_distances_matter_to_rotary_positions():
    """Equal steps far ahead of others are attended to as they are early in a sequence."""
    layer = CausalSelfAttention(2, seed=1)
    long = np.concatenate([uniform(1, 2, 6, 8), X], axis=1)
    mask = np.array([[False] * 6 + [True] * 5] * 2)
    np.testing.assert_allclose(as_array(layer(long, mask=mask))[:, 6:], as_array(layer(X)), atol=1e-5)


def test_order_matters_with_positions_alone():
    last = lambda layer, x: as_array(layer(x))[:, -1]  # noqa: E731
    swapped = X[:, [1, 0, 2, 3, 4]]
    with_positions, without = CausalSelfAttention(2, seed=1), CausalSelfAttention(2, rotary=False, seed=1)
    assert np.abs(last(with_positions, X) - last(with_positions, swapped)).max() > 1e-3
    np.testing.assert_allclose(last(without, X), last(without, swapped), atol=1e-6)


def test_later_steps_are_not_seen():
    layer = CausalSelfAttention(2, seed=1)
    changed = X.copy()
    changed[:, 3:] += 1
    np.testing.assert_allclose(as_array(layer(changed))[:, :3], as_array(layer(X))[:, :3], atol=1e-6)


def test_learnt_positions_are_added():
    layer = LearntPositions(7, seed=0)
    got = as_array(layer(X)) - X
    np.testing.assert_allclose(got, np.broadcast_to(as_array(layer.positions)[:5], X.shape), atol=1e-6)
    assert as_array(layer.positions).std() == pytest.approx(0.02, rel=0.3)


def test_bad_input_is_named():
    with raises("inputs: expected an even multiple of 3 heads in the last axis, received 8"):
        CausalSelfAttention(3)(X)
    with raises("inputs: expected an even multiple of 8 heads"):
        CausalSelfAttention(8)(X)
    with raises("heads: expected"):
        CausalSelfAttention(0)
    with raises("inputs: expected at most 4 steps, received 5"):
        LearntPositions(4)(X)
    assert isinstance(keras.layers.deserialize(keras.layers.serialize(LearntPositions(4))), LearntPositions)
