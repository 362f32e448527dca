"""Recurrent cells against the papers' equations in NumPy, and against Keras's cell."""

import keras
import numpy as np

from lab import layers
from tests.contracts import as_array, uniform


def sigma(x):
    return 1 / (1 + np.exp(-x))


def norm(x, layer):
    gamma, beta = as_array(layer.gamma), as_array(layer.beta)
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) + beta


def test_cells_are_the_papers():
    x, h = uniform(0, 3, 4), uniform(1, 3, 5)
    c = uniform(2, 3, 5)
    cell = layers.PeepholeLSTMCell(5, seed=0)
    cell.build((3, 4))
    cell.peepholes.assign(uniform(3, 3, 5))
    p_i, p_f, p_o = as_array(cell.peepholes)
    i, f, g, o = np.split(x @ as_array(cell.kernel) + h @ as_array(cell.recurrent_kernel) + as_array(cell.bias), 4, axis=-1)
    new_c = sigma(f + p_f * c) * c + sigma(i + p_i * c) * np.tanh(g)
    expected = sigma(o + p_o * new_c) * np.tanh(new_c)
    got, states = cell(x, [h, c])
    np.testing.assert_allclose(as_array(got), expected, atol=1e-6)
    np.testing.assert_allclose(as_array(states[1]), new_c, atol=1e-6)

    cell = layers.LayerNormLSTMCell(5, seed=0)
    cell.build((3, 4))
    total = norm(h @ as_array(cell.recurrent_kernel), cell.recurrent_norm) + norm(x @ as_array(cell.kernel), cell.input_norm)
    f, i, o, g = np.split(total + as_array(cell.bias), 4, axis=-1)
    new_c = sigma(f) * c + sigma(i) * np.tanh(g)
    got, states = cell(x, [h, c])
    np.testing.assert_allclose(as_array(got), sigma(o) * np.tanh(norm(new_c, cell.cell_norm)), atol=1e-5)
    np.testing.assert_allclose(as_array(states[1]), new_c, atol=1e-5)

    cell = layers.LayerNormGRUCell(5, seed=0)
    cell.build((3, 4))
    wx, uh = x @ as_array(cell.kernel), h @ as_array(cell.recurrent_kernel)
    z, r = np.split(sigma(norm(uh[:, :10], cell.recurrent_gate_norm) + norm(wx[:, :10], cell.input_gate_norm)), 2, axis=-1)
    candidate = norm(wx[:, 10:], cell.input_candidate_norm) + r * norm(uh[:, 10:], cell.recurrent_candidate_norm)
    got, _ = cell(x, [h])
    np.testing.assert_allclose(as_array(got), (1 - z) * h + z * np.tanh(candidate), atol=1e-5)


def test_without_peepholes_the_cell_equals_keras():
    cell, theirs = layers.PeepholeLSTMCell(5, seed=0), keras.layers.LSTMCell(5)
    cell.build((3, 4))
    theirs.build((3, 4))
    order = np.concatenate([np.arange(5) + 5 * block for block in (0, 1, 2, 3)])  # both are i, f, g, o
    theirs.set_weights([as_array(weight)[..., order] for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)])
    x, h = uniform(0, 3, 4), uniform(1, 3, 5)
    c = uniform(2, 3, 5)
    np.testing.assert_allclose(as_array(cell(x, [h, c])[0]), as_array(theirs(x, [h, c])[0]), atol=1e-6)
