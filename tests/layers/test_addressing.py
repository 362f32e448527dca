"""Addressing against loops over slots in float64, the paper's hand values, and its gradients."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine, layers
from tests.contracts import as_array, uniform

pytestmark = pytest.mark.usefixtures("module_graphs")
programs = pytest.mark.skipif(keras.backend.backend() == "torch", reason="programs are for TensorFlow and JAX")

EPSILON = layers.addressing.EPSILON


class Addressing:
    """The functions of `lab.layers.addressing`, which get tensors as they do from cells."""

    def __getattr__(self, name):
        function = getattr(layers.addressing, name)

        def called(*arguments):
            return function(*(ops.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in arguments))

        return called


addressing = Addressing()
MEMORY = uniform(0, 2, 5, 3)  # B 2, N 5, W 3
KEYS = uniform(1, 2, 2, 3)  # H 2
WEIGHTS = np.abs(uniform(2, 2, 2, 5))
WEIGHTS = WEIGHTS / WEIGHTS.sum(-1, keepdims=True)


def cosine(a, b):
    a, b = a.astype("float64"), b.astype("float64")
    return a @ b / np.sqrt(a @ a + EPSILON) / np.sqrt(b @ b + EPSILON)


def each(*shape):
    return itertools.product(*map(range, shape))


def close(got, expected, atol=1e-6):
    np.testing.assert_allclose(as_array(got), expected, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_content(masked):
    masks = np.abs(uniform(3, 2, 2, 3)) if masked else np.ones((2, 2, 3))
    strengths = np.array([[0.5, 3.0], [1.0, 0.0]], "float32")
    expected = np.zeros((2, 2, 5))
    for b, h, i in each(2, 2, 5):
        expected[b, h, i] = cosine(KEYS[b, h] * masks[b, h], MEMORY[b, i] * masks[b, h])
    given = masks.astype("float32") if masked else None
    close(addressing.cosine_similarity(MEMORY, KEYS, given), expected)
    powers = np.exp(strengths[..., None] * expected)
    close(addressing.content_weights(MEMORY, KEYS, strengths, given), powers / powers.sum(-1, keepdims=True))


def test_a_mask_hides_what_is_not_looked_for():
    memory = np.array([[[1, 0, 9], [0, 1, 1], [1, 1, 0]]], "float32")
    key, mask = np.array([[[1, 0, 1]]], "float32"), np.array([[[1, 1, 0]]], "float32")
    assert as_array(addressing.cosine_similarity(memory, key, mask))[0, 0].argmax() == 0
    close(addressing.cosine_similarity(memory, key, mask)[0, 0], [1, 0, np.sqrt(0.5)], atol=1e-5)


@pytest.mark.parametrize(
    ("moves", "expected"), [([1, 0, 0], [1, 0, 0, 0, 0]), ([0, 1, 0], [0, 1, 0, 0, 0]), ([0, 0, 1], [0, 0, 1, 0, 0])]
)
def test_a_head_moves_back_stays_or_moves_on(moves, expected):
    weights = np.eye(5, dtype="float32")[None, None, 1]
    close(addressing.shift(weights, np.array([[moves]], "float32"))[0, 0], expected)


def test_shifts_go_round():
    shifts = np.array([[[0.1, 0.2, 0.3, 0.3, 0.1], [0, 0, 0, 0, 1.0]]] * 2, "float32")
    expected = np.zeros((2, 2, 5))
    for b, h, i, j in each(2, 2, 5, 5):
        expected[b, h, i] += WEIGHTS[b, h, (i - (j - 2)) % 5] * shifts[b, h, j]
    close(addressing.shift(WEIGHTS, shifts), expected)


def test_sharpening_is_a_power():
    powers = np.array([[1.0, 2.5], [7.0, 1.0]], "float32")
    expected = (WEIGHTS.astype("float64") + EPSILON) ** powers[..., None]
    close(addressing.sharpen(WEIGHTS, powers), expected / expected.sum(-1, keepdims=True))
    close(
        addressing.sharpen(np.array([[[0.5, 0.25, 0.25]]], "float32"), np.array([[2.0]], "float32"))[0, 0],
        [2 / 3, 1 / 6, 1 / 6],
        1e-5,
    )


@pytest.mark.parametrize("heads", [1, 2])
def test_reading_and_writing(heads):
    weights, erase, add = WEIGHTS[:, :heads], np.abs(uniform(4, 2, heads, 3)) / 3, uniform(5, 2, heads, 3)
    expected = MEMORY.astype("float64")
    reads = np.zeros((2, heads, 3))
    for b, h, i in each(2, heads, 5):
        reads[b, h] += weights[b, h, i] * MEMORY[b, i]
    for b, h, i in each(2, heads, 5):
        expected[b, i] *= 1 - weights[b, h, i] * erase[b, h]
    for b, h, i in each(2, heads, 5):
        expected[b, i] += weights[b, h, i] * add[b, h]
    close(addressing.read(MEMORY, weights), reads)
    close(addressing.write(MEMORY, weights, erase, add), expected)
    whole = np.eye(5, dtype="float32")[None, None, 2]  # a head that erases and writes one slot replaces it
    written = as_array(addressing.write(MEMORY[:1], whole, np.ones((1, 1, 3), "float32"), add[:1, :1]))
    close(written[0, 2], add[0, 0])
    close(np.delete(written[0], 2, 0), np.delete(MEMORY[0], 2, 0))


def test_usage_by_hand():
    # Half used, then half written: three quarters. A head that reads all of it frees half.
    retained = addressing.retention(np.array([[0.5, 0.0]], "float32"), np.array([[[1.0, 0.0], [1.0, 1.0]]], "float32"))
    close(retained, [[0.5, 1.0]])
    used = addressing.usage(np.array([[0.5, 0.0]], "float32"), np.array([[0.5, 1.0]], "float32"), retained)
    close(used, [[0.375, 1.0]])


def sorted_allocation(used):
    """The paper's equation 1, with its sort."""
    used = EPSILON + (1 - EPSILON) * used.astype("float64")
    order, weights, product = np.argsort(used, kind="stable"), np.zeros(len(used)), 1.0
    for slot in order:
        weights[slot] = (1 - used[slot]) * product
        product *= used[slot]
    return weights


@pytest.mark.parametrize(
    "used",
    [[0.9, 0.1, 0.5], [0, 0, 0], [1, 1, 1], [1, 0, 1], [0.5, 0.5, 0.2], [0.7]],
    ids=lambda used: "-".join(map(str, used)),
)
def test_allocation_by_hand_and_by_sorting(used):
    used = np.array(used, "float32")
    close(addressing.allocation(used[None])[0], sorted_allocation(used))
    if list(used) == [0.5, 0.5, 0.20000000298023224]:  # the least used first, of equal ones the first
        close(addressing.allocation(used[None])[0], [0.1, 0.05, 0.8], 1e-5)


def test_links_by_hand():
    """Slots 2, 0 and 1 are written one after the other."""
    links, precedence = np.zeros((1, 3, 3), "float32"), np.zeros((1, 3), "float32")
    for slot in (2, 0, 1):
        written = np.eye(3, dtype="float32")[None, slot]
        links, precedence = addressing.link(links, precedence, written), addressing.precede(precedence, written)
    close(links[0], [[0, 0, 1], [1, 0, 0], [0, 0, 0]])  # 0 after 2, 1 after 0
    close(precedence, [[0, 1, 0]])
    later, earlier = addressing.follow(links, np.eye(3, dtype="float32")[None])
    close(later[0], [[0, 1, 0], [0, 0, 0], [1, 0, 0]])
    close(earlier[0], [[0, 0, 1], [1, 0, 0], [0, 0, 0]])


def test_links_against_loops():
    links = np.zeros((2, 5, 5))
    precedence = np.zeros((2, 5))
    got_links, got_precedence = links.astype("float32"), precedence.astype("float32")
    for step in range(3):
        written = WEIGHTS[:, step % 2] * 0.8
        got_links = addressing.link(got_links, got_precedence, written)
        got_precedence = addressing.precede(got_precedence, written)
        new = np.zeros_like(links)
        for b, i, j in each(2, 5, 5):
            kept = (1 - written[b, i] - written[b, j]) * links[b, i, j]
            new[b, i, j] = 0 if i == j else kept + written[b, i] * precedence[b, j]
        links = new
        precedence = (1 - written.sum(-1, keepdims=True)) * precedence + written
        close(got_links, links)
        close(got_precedence, precedence)
        rows = links.sum(-1)
        assert (rows <= 1 + 1e-6).all() and (links.sum(-2) <= 1 + 1e-6).all()


def test_least_used():
    used = np.array([[0.3, 0.1, 0.1, 0.9]], "float32")
    close(addressing.least_used(used, 2)[0], [[0, 1, 0, 0], [0, 0, 1, 0]])


def gradients(function, *arrays):
    """The gradient of the sum of a function times fixed numbers, by each argument."""
    variables = [keras.Variable(array, dtype="float32") for array in arrays]
    weights = uniform(9, *as_array(function(*arrays)).shape)

    def loss():
        return ops.sum(function(*(variable.value for variable in variables)) * weights), ()

    found = engine.compile(engine.value_and_grad(loss, variables), variables)()[1]
    return [as_array(gradient) for gradient in found], weights


POSITIVE = np.array([[0.9, 0.1, 0.5, 0.3, 0.7], [0.2, 0.4, 0.6, 0.8, 0.05]], "float32")  # far from each other: they are sorted
FUNCTIONS = {
    "content": (
        addressing.content_weights,
        [MEMORY, KEYS, np.array([[0.5, 3.0], [1.0, 0.2]], "float32"), np.abs(uniform(3, 2, 2, 3))],
    ),
    "shift": (addressing.shift, [WEIGHTS, np.abs(uniform(7, 2, 2, 3))]),
    "sharpen": (addressing.sharpen, [WEIGHTS, 1 + np.abs(uniform(8, 2, 2))]),
    "write": (addressing.write, [MEMORY, WEIGHTS, np.abs(uniform(4, 2, 2, 3)) / 3, KEYS]),
    "usage": (addressing.usage, [POSITIVE, WEIGHTS[:, 0], 1 - POSITIVE]),
    "retention": (addressing.retention, [np.abs(uniform(5, 2, 2)) / 2, WEIGHTS]),
    "allocation": (addressing.allocation, [POSITIVE]),
    "link": (addressing.link, [uniform(10, 2, 5, 5), POSITIVE, WEIGHTS[:, 0]]),
}


@programs
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_finite_differences(name):
    function, arrays = FUNCTIONS[name]
    found, weights = gradients(function, *arrays)
    rng, step = np.random.default_rng(0), 5e-3
    for position, gradient in enumerate(found):
        direction = rng.normal(size=arrays[position].shape).astype("float32")
        values = []
        for sign in (1, -1):
            moved = [a + sign * step * direction if i == position else a for i, a in enumerate(arrays)]
            values.append(float((as_array(function(*moved)).astype("float64") * weights).sum()))
        slope = (values[0] - values[1]) / (2 * step)
        assert (gradient * direction).sum() == pytest.approx(slope, rel=0.02, abs=0.02), position


@programs
@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_zero_values_and_gradients_are_finite(name):
    function, arrays = FUNCTIONS[name]
    zeros = [np.zeros_like(array) for array in arrays]
    assert np.isfinite(as_array(function(*zeros))).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients(function, *zeros)[0])


def test_huge_strengths_and_powers_choose_one_slot():
    huge = np.full((2, 2), 1e4, "float32")
    for weights in (addressing.content_weights(MEMORY, KEYS, huge), addressing.sharpen(WEIGHTS, huge)):
        assert np.isfinite(as_array(weights)).all()
        close(as_array(weights).max(-1), np.ones((2, 2)), 1e-3)
