"""The average of a model by hand."""

import keras
import numpy as np
import pytest

from lab.layers import RunningNormalization
from lab.models import mlp
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


def test_the_average_of_the_newest_weights_has_statistics_and_copies_random_states():
    model = small()
    average, updates = averaged(model), update_counter()
    for mean in (3.0, 5.0):
        model.layers[1].moving_mean.assign([mean])
        update_recent_average(average, model, 1.0, updates)
    model.layers[2].seed_generator.next()
    update_recent_average(average, model, 1.0, updates)
    got = {variable.path.rsplit("/", 1)[-1]: as_array(variable) for variable in average.variables}
    np.testing.assert_allclose(got["moving_mean"], [(3 + 5 + 5) / 3], rtol=1e-6)
    np.testing.assert_array_equal(got["seed_generator_state"], as_array(model.layers[2].seed_generator.state))


@pytest.mark.parametrize("update", [update_average, update_recent_average])
def test_statistics_of_the_observations_are_copied(update):
    model = mlp((1,), (2,), 1, normalize=True, seed=0)
    average, updates = averaged(model), update_counter()
    for observation in (0.0, 10.0, 50.0):
        model.layers[0].update(np.full((4, 1), observation, "float32"))
        update(average, model, 0.5, updates)
    assert isinstance(model.layers[0], RunningNormalization)
    for mine, its in zip(average.layers[0].variables, model.layers[0].variables, strict=True):
        np.testing.assert_array_equal(as_array(mine), as_array(its))


def test_whoever_loads_an_average_can_go_on_with_it(tmp_path):
    average = averaged(small())
    assert not average.trainable_variables
    average.save(tmp_path / "average.keras")
    assert len(keras.models.load_model(tmp_path / "average.keras").trainable_variables) == 1


def test_a_model_that_keras_cannot_copy_is_named():
    class Own(keras.Model):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.dense = keras.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    own = Own(2, name="mine")
    own(np.zeros((1, 3), "float32"))
    with pytest.raises(ValueError, match=r"^average: expected a model that Keras can clone, .* received mine: "):
        averaged(own)
