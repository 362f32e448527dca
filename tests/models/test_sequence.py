"""Recurrent networks: shapes, starts, padding, and what they are saved as."""

import keras
import numpy as np
import pytest

from lab.models import sequence_network
from lab.validation import CELLS
from tests.contracts import as_array, raises, save_and_load, uniform


@pytest.mark.parametrize(
    "cell", ["simple", *(pytest.param(cell, marks=pytest.mark.slow) for cell in CELLS if cell != "simple")]
)
def test_it_starts_from_its_seed_learns_and_is_saved(cell):
    model, again, other = (sequence_network(cell, 3, features=2, units=4, layers=2, seed=seed) for seed in (1, 1, 2))
    x = uniform(0, 5, 6, 2)
    assert model(x).shape == (5, 3)
    for mine, theirs in zip(model.variables, again.variables, strict=True):  # random states too
        np.testing.assert_array_equal(as_array(mine), as_array(theirs))
    assert np.any(as_array(model(x)) != as_array(other(x)))
    np.testing.assert_allclose(as_array(save_and_load(model)(x)), as_array(model(x)), atol=1e-6)
    starts = [as_array(weight) for weight in model.trainable_weights if "recurrent_kernel" in weight.path]
    assert len(starts) == 2 and (cell == "irnn" or (starts[0] != starts[1]).any())
    if cell == "irnn":
        np.testing.assert_array_equal(starts[0], np.eye(4))
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=keras.backend.backend() == "tensorflow")
    before = [as_array(weight).copy() for weight in model.trainable_weights]
    model.fit(x, uniform(1, 5, 3), verbose=0, shuffle=False)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.any(as_array(weight) != old), weight.path


def test_padding_is_skipped_and_every_step_answers_where_it_should():
    model = sequence_network("gru", 3, symbols=7, units=4, embedding=3, seed=0)
    short, padded = np.array([[2, 5, 3]]), np.array([[2, 5, 3, 0, 0]])
    np.testing.assert_allclose(as_array(model(short)), as_array(model(padded)), atol=1e-6)
    every = sequence_network("gru", 3, symbols=7, units=4, embedding=3, every_step=True, seed=0)
    answers = as_array(every(padded))
    assert answers.shape == (1, 5, 3)
    np.testing.assert_allclose(answers[:, 2], as_array(model(short)), atol=1e-6)


def test_dropout_is_of_training_alone():
    model = sequence_network("simple", 2, features=2, units=8, dropout=0.5, seed=0)
    x = uniform(0, 3, 4, 2)
    np.testing.assert_array_equal(as_array(model(x)), as_array(model(x)))
    assert np.any(as_array(model(x, training=True)) != as_array(model(x)))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gates_start_at_time_scales(cell):
    """Time scales lie between 2 and the one asked for.

    Without input the state is multiplied by f at each step, so its time scale is 1 / (1 - f).
    The input is multiplied by 1 - f.
    """
    model = sequence_network(cell, 1, features=2, units=200, time_scale=50, seed=3)
    inner = save_and_load(model).get_layer("recurrent1").cell
    for kernel in (inner.kernel, inner.recurrent_kernel):
        kernel.assign(np.zeros(kernel.shape))
    x, ones, zeros = np.zeros((1, 2), "float32"), np.ones((1, 200), "float32"), np.zeros((1, 200), "float32")
    kept = as_array(inner(x, [ones, ones] if cell == "lstm" else [ones])[1][-1])[0]
    scales = 1 / (1 - kept.astype(float))
    assert 2 <= scales.min() < 5 and 45 < scales.max() <= 50.001
    assert 22 < scales.mean() < 30
    bias = as_array(inner.bias).copy()
    (bias[2 * 200 : 3 * 200] if cell == "lstm" else bias[0, 2 * 200 :])[:] = 20  # the candidate is 1
    inner.bias.assign(bias)
    came = as_array(inner(x, [zeros, zeros] if cell == "lstm" else [zeros])[1][-1])[0]
    np.testing.assert_allclose(came, 1 - kept, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "grub", "features": 1}, ["cell: expected one of simple", "'grub'", "nearest: gru"]),
        ({"cell": "gru"}, ["features, symbols: expected one of them", "None and None"]),
        ({"cell": "gru", "features": 1, "layers": 0}, ["layers: expected", "0"]),
        ({"cell": "gru", "features": 1, "time_scale": 2}, ["time_scale: expected an integer >= 3", "2"]),
        ({"cell": "irnn", "features": 1, "time_scale": 9}, ["time_scale: expected 0", "gru and lstm", "9"]),
    ],
)
def test_bad_input_is_named(options, words):
    with raises(words):
        sequence_network(options.pop("cell"), 2, seed=0, **options)
