"""The average of a model by hand."""

import keras
import numpy as np
import pytest

from lab.models.average import averaged, update_average, update_counter, update_recent_average
from tests.contracts import as_array


def small():
    """A model with a weight, statistics and a random state."""
    layers = [keras.layers.Dense(1, use_bias=False), keras.layers.BatchNormalization(scale=False, center=False)]
    return keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dropout(0.5, seed=3)])


def test_its_decay_rises_to_the_one_that_is_asked_for():
    model = small()
    average, updates = averaged(model), update_counter()
    weight, (mean, *_) = model.trainable_variables[0], model.layers[1].non_trainable_variables
    weight.assign([[1.0]])
    expected = float(as_array(average.variables[0])[0, 0])
    for t, decay in enumerate((1 / 10, 2 / 11, 3 / 12, 0.3, 0.3)):
        weight.assign([[t + 1.0]])
        mean.assign([2.0 * t])
        update_average(average, model, 0.3, updates)
        expected = decay * expected + (1 - decay) * (t + 1)
        np.testing.assert_allclose(as_array(average.variables[0]), [[expected]], rtol=1e-6)
        assert int(updates) == t + 1
    # statistics too: 0.1, 2/11 and 3/12 of what was, then 0.3
    got = {variable.path.rsplit("/", 1)[-1]: as_array(variable) for variable in average.variables}
    by_hand = 0.0
    for t, decay in enumerate((1 / 10, 2 / 11, 3 / 12, 0.3, 0.3)):
        by_hand = decay * by_hand + (1 - decay) * 2 * t
    np.testing.assert_allclose(got["moving_mean"], [by_hand], rtol=1e-6)
    np.testing.assert_array_equal(got["seed_generator_state"], as_array(model.layers[2].seed_generator.state))


@pytest.mark.parametrize("decay", [0.9, 0.999, 0.999999])
def test_where_it_started_is_forgotten_after_a_few_updates(decay):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    average, updates = averaged(model), update_counter()
    model.trainable_variables[0].assign([[0.0]])
    for _ in range(20):
        update_average(average, model, decay, updates)
    assert float(as_array(average.variables[0])[0, 0]) < 1e-5
    assert not average.trainable_variables


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_the_average_of_the_newest_weights_is_over_a_share_of_all_of_them(share):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    average, updates = averaged(model), update_counter()
    expected = 7.0  # is forgotten at once
    for t in range(200):
        model.trainable_variables[0].assign([[float(t)]])
        update_recent_average(average, model, share, updates)
        expected += (t - expected) / (1 + share * t)
    np.testing.assert_allclose(as_array(average.variables[0]), [[expected]], rtol=1e-4)
    age = 199 - expected  # the mean age of what stands in it, as of weights in proportion to t^(1/share - 1)
    np.testing.assert_allclose(age, 200 * share / (1 + share), rtol=0.03)
