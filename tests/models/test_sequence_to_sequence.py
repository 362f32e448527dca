"""A network that reads one sequence and writes another: shapes, masks, its own answers."""

import keras
import numpy as np
import pytest

from lab.models import answer, attention_weights, sequence_to_sequence, with_answers
from tests.contracts import as_array, raises, save_and_load

SOURCES = np.array([[2, 3, 4, 0], [4, 3, 0, 0], [3, 3, 2, 4]])
ANSWERS = np.array([[4, 3], [3, 4], [2, 2]])


def network(seed=3, **options):
    return sequence_to_sequence(5, 4, **{"units": 6, "embedding": 3, "seed": seed} | options)


def test_the_network_is_told_the_answer_of_the_step_before():
    np.testing.assert_array_equal(with_answers(SOURCES, ANSWERS), [[2, 3, 4, 0, 0, 4], [4, 3, 0, 0, 0, 3], [3, 3, 2, 4, 0, 2]])


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_seeds_files_and_causality(cell):
    ours, again, other = network(cell=cell), network(cell=cell), network(4, cell=cell)
    x = with_answers(SOURCES, ANSWERS)
    logits = as_array(ours(x))
    assert logits.shape == (3, 2, 5) and logits.dtype == "float32"
    np.testing.assert_array_equal(logits, as_array(again(x)))
    assert np.abs(logits - as_array(other(x))).max() > 1e-4
    np.testing.assert_array_equal(logits, as_array(save_and_load(ours)(x)))
    later = x.copy()
    later[:, 5] = 1
    changed = np.abs(as_array(ours(later)) - logits).max(axis=(0, 2))
    assert changed[0] == 0 < 1e-5 < changed[1]
    gates = 3 if cell == "gru" else 4
    biases = 2 if cell == "gru" else 1  # Keras's GRU has two
    recurrent = 3 * gates * 6 * (3 + 6 + biases)
    starts = (1 if cell == "gru" else 2) * (12 + 1) * 6
    assert ours.count_params() == 2 * 5 * 3 + recurrent + starts + 6 * 12 + (12 + 6) * 6 + (6 + 1) * 5


def test_padding_is_skipped_and_never_attended_to():
    ours = network()
    longer = sequence_to_sequence(5, 7, units=6, embedding=3, seed=3)
    padded = np.pad(SOURCES, [(0, 0), (0, 3)])
    logits = as_array(ours(with_answers(SOURCES, ANSWERS)))
    np.testing.assert_allclose(logits, as_array(longer(with_answers(padded, ANSWERS))), atol=1e-6)
    weights = attention_weights(ours, with_answers(SOURCES, ANSWERS))
    assert weights.shape == (3, 2, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert weights[0, :, 3].max() < 1e-6 < 1e-3 < weights[0, :, :3].min()
    assert weights[1, :, 2:].max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_attention_and_answers_are_the_papers(cell):
    """In NumPy from the states of Keras's encoder and decoder."""
    ours, x = network(cell=cell), with_answers(SOURCES, ANSWERS)
    layers = {layer.name: layer for layer in ours.layers}
    weights = {name: [as_array(weight) for weight in layer.weights] for name, layer in layers.items()}
    read, *states = layers["encoder"](layers["source"](SOURCES), mask=SOURCES > 0)
    half = len(states) // 2
    last = np.concatenate([as_array(states[0]), as_array(states[half])], axis=-1)
    starts = [np.tanh(last @ kernel + bias) for kernel, bias in (weights[f"start{i}"] for i in range(half))]
    h = as_array(layers["decoder"](layers["before"](x[:, 4:]), initial_state=starts))
    read = as_array(read)
    scores = np.einsum("btd,bsd->bts", h @ weights["query"][0], read)
    scores = np.where(SOURCES[:, None] > 0, scores, -np.inf)
    a = np.exp(scores - scores.max(axis=-1, keepdims=True))
    a /= a.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(attention_weights(ours, x), a, atol=1e-6)
    hidden = np.tanh(np.concatenate([np.einsum("bts,bsd->btd", a, read), h], axis=-1) @ weights["attended"][0])
    kernel, bias = weights["outputs"]
    np.testing.assert_allclose(as_array(ours(x)), hidden @ kernel + bias, atol=1e-5)


@pytest.mark.slow
def test_an_answer_is_what_it_would_say_next_each_time():
    ours = network()
    written = answer(ours, SOURCES, 2)
    logits = as_array(ours(with_answers(SOURCES, written)))
    np.testing.assert_array_equal(written, logits.argmax(axis=-1))
    assert written.dtype == "int32"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: network(cell="rnn"), "cell: expected one of gru, lstm, received 'rnn'"),
        (lambda: sequence_to_sequence(1, 4, seed=0), "symbols: expected an integer >= 2, received 1"),
        (lambda: sequence_to_sequence(5, 0, seed=0), "source_steps: expected an integer >= 1, received 0"),
        (lambda: network(units=0), "units: expected an integer >= 1, received 0"),
        (lambda: network(embedding=0), "embedding: expected an integer >= 1, received 0"),
        (lambda: answer(network(), SOURCES[:, :3], 2), "sources: expected 4 steps, those of the network, received 3"),
        (
            lambda: answer(network(), SOURCES[:0], 2),
            r"sources: expected integers \[B, T\], at least one, received int64 \(0, 4\)",
        ),
        (lambda: answer(network(), SOURCES[0], 2), r"sources: expected integers \[B, T\], .*received int64 \(4,\)"),
        (lambda: answer(network(), SOURCES + 0.5, 2), "sources: expected integers .*received float64"),
        (lambda: attention_weights(network(), SOURCES), "x: expected more than 4 steps, a source and an answer, received 4"),
        (lambda: attention_weights(network(), np.full((1, 6), 7)), "x: expected symbols from 0 to 4, received 7 to 7"),
        (lambda: with_answers(SOURCES, ANSWERS[..., None]), r"answers: expected integers \[B, T\]"),
        (lambda: answer(network(), SOURCES, 0), "steps: expected an integer >= 1, received 0"),
        (lambda: answer(network(), SOURCES + 1, 2), "sources: expected symbols from 0 to 4, received 1 to 5"),
        (lambda: with_answers(SOURCES, ANSWERS[:2]), "answers: expected 3, one for each source, received 2"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()


@pytest.mark.long
def test_it_learns_to_write_backwards():
    rng = np.random.default_rng(0)
    sources = rng.integers(1, 5, (1024, 4))
    ours = network(0, units=32, embedding=8)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours.compile(keras.optimizers.Adam(0.02), loss)
    ours.fit(with_answers(sources, sources[:, ::-1]), sources[:, ::-1], batch_size=32, epochs=6, verbose=0, shuffle=False)
    test = rng.integers(1, 5, (100, 4))
    assert (answer(ours, test, 4) == test[:, ::-1]).mean() > 0.95
