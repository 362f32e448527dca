"""Step sizes by hand."""

import keras
import numpy as np

from lab.optimizers import FlatThenLinear
from tests.contracts import raises


def test_flat_then_linear_by_hand():
    schedule = FlatThenLinear(0.2, 10, 20)
    expected = {0: 0.2, 10: 0.2, 11: 0.18, 15: 0.1, 20: 0.0, 99: 0.0}
    for step, rate in expected.items():
        np.testing.assert_allclose(float(schedule(step)), rate, rtol=1e-6, atol=1e-9)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert float(again(15)) == float(schedule(15))
    with raises("flat: expected less than total, 5, received 5"):
        FlatThenLinear(0.2, 5, 5)
    with raises("learning_rate: expected a number > 0, received 0"):
        FlatThenLinear(0, 1, 5)
