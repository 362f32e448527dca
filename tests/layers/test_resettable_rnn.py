"""Sequences in which episodes end: states, gradients, masks, and compiled programs."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine, layers
from tests.contracts import as_array, uniform


def test_resettable_rnn_forgets_where_an_episode_starts():
    x = uniform(0, 2, 6, 3)
    starts = np.zeros((2, 6), bool)
    starts[0, 3] = True
    layer = layers.ResettableRNN(keras.layers.LSTMCell(4), return_state=True)
    outputs, h, c = (as_array(value) for value in layer([x, starts]))
    whole, *_ = layer([x, np.zeros((2, 6), bool)])
    alone, last_h, last_c = (as_array(value) for value in layer([x[:1, 3:], np.zeros((1, 3), bool)]))
    np.testing.assert_allclose(outputs[0, 3:], alone[0], atol=1e-6)
    np.testing.assert_allclose((h[0], c[0]), (last_h[0], last_c[0]), atol=1e-6)
    np.testing.assert_allclose(outputs[1], as_array(whole)[1], atol=1e-6)
    assert np.abs(outputs[0, 3:] - as_array(whole)[0, 3:]).max() > 1e-3
    first, *states = layer([x[:, :2], starts[:, :2]])
    second, *_ = layer([x[:, 2:], starts[:, 2:]], initial_state=states)
    np.testing.assert_allclose(np.concatenate([as_array(first), as_array(second)], axis=1), outputs, atol=1e-6)

    def loss(x):
        return ops.sum(layer([x, starts])[0][:, -1]), ()

    _, gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(x))
    assert np.all(as_array(gradient)[0, :3] == 0)
    assert np.all(np.any(as_array(gradient)[1] != 0, axis=-1))


def test_a_stack_of_cells_forgets_too():
    x, starts = uniform(0, 2, 5, 3), np.zeros((2, 5), bool)
    starts[:, 2] = True
    cells = [keras.layers.LSTMCell(4), keras.layers.GRUCell(5)]
    layer = layers.ResettableRNN(keras.layers.StackedRNNCells(cells), return_state=True)
    plain = keras.layers.RNN(layer.cell, return_sequences=True, return_state=True)
    got, expected = layer([x, starts]), plain(x[:, 2:])
    assert keras.tree.map_structure(lambda state: state.shape, list(got[1:])) == [[(2, 4), (2, 4)], [(2, 5)]]
    for one, other in zip(keras.tree.flatten(got[1:]), keras.tree.flatten(expected[1:]), strict=True):
        np.testing.assert_allclose(as_array(one), as_array(other), atol=1e-6)
    np.testing.assert_allclose(as_array(got[0])[:, 2:], as_array(expected[0]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="programs are for TensorFlow and JAX")
def test_an_unrolled_resettable_rnn_learns_in_a_compiled_program():
    x, starts = uniform(0, 2, 6, 3), np.zeros((2, 6), bool)
    layer, rolled = (layers.ResettableRNN(layers.LayerNormGRUCell(4, seed=0), unroll=unroll) for unroll in (True, False))
    np.testing.assert_allclose(as_array(layer([x, starts])), as_array(rolled([x, starts])), atol=1e-6)
    gradient = engine.value_and_grad(lambda: (ops.sum(ops.square(layer([x, starts]))), ()), layer.trainable_variables)

    def step(_):
        (value, _), slopes = gradient()
        for variable, slope in zip(layer.trainable_variables, slopes, strict=True):
            variable.assign_sub(0.001 * slope)
        return value

    values = as_array(engine.compile(lambda: engine.scan(step, layer.variables, length=3), layer.variables)())
    assert (np.diff(values) < 0).all()


def test_masked_steps_leave_the_state_as_it_is():
    x, starts = uniform(0, 2, 6, 3), np.zeros((2, 6), bool)
    mask = np.array([[1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0]], bool)
    layer = layers.ResettableRNN(keras.layers.GRUCell(4))
    masked = as_array(layer([x, starts], mask=[mask, None]))
    without = as_array(layer([x[:1, [0, 1, 4, 5]], starts[:1, :4]]))
    np.testing.assert_allclose(masked[0, [0, 1, 4, 5]], without[0], atol=1e-6)
    np.testing.assert_allclose(masked[1, 3], masked[1, 5], atol=1e-6)
    inputs = keras.Input((6, 3)), keras.Input((6,))
    model = keras.Model(
        inputs, layers.ResettableRNN(layer.cell, return_sequences=False)([keras.layers.Masking()(inputs[0]), inputs[1]])
    )
    zeroed = np.where(mask[:, :, None], x, 0).astype("float32")
    np.testing.assert_allclose(as_array(model([zeroed, starts.astype("float32")])), masked[:, -1], atol=1e-6)
