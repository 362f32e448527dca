"""Multilayer perceptrons."""

import numpy as np

from lab.models import mlp


def weights(seed):
    return mlp((2, 3), (50,), 4, seed=seed).get_weights()


def test_the_seed_decides_every_weight():
    for one, same, other in zip(weights(0), weights(0), weights(1), strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != other).all()


def test_weights_are_uniform_within_one_over_the_root_of_their_inputs():
    for weight, fan_in in zip(weights(0), (6, 6, 50, 50), strict=True):
        assert np.abs(weight).max() < fan_in**-0.5
        assert weight.size < 50 or np.abs(weight).max() > 0.9 * fan_in**-0.5
