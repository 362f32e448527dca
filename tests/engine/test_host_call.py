"""NumPy functions in the midst of programs."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.optimize import linear_sum_assignment

from lab import engine
from tests.contracts import as_array


def cheapest(costs):
    """The column of each row, of the cheapest matching of each matrix."""
    return [np.stack([linear_sum_assignment(each)[1] for each in costs])]


def test_a_compiled_program_calls_scipy():
    if keras.backend.backend() == "torch":
        pytest.skip("torch compiles no programs")
    weights = keras.Variable(np.ones(3, "float32"))

    def program(costs):
        (columns,) = engine.host_call(cheapest, [(costs.shape[:2], "int32")], costs * weights)
        weights.assign(weights + 1)
        return columns + 0

    compiled = engine.compile(program, [weights])
    costs = np.array([[[4, 1, 3], [2, 0, 5], [3, 2, 2]], [[1, 2, 3], [2, 4, 6], [3, 6, 9]]], "float32")
    for _ in range(2):
        np.testing.assert_array_equal(as_array(compiled(costs)), [[1, 0, 2], [2, 1, 0]])
    np.testing.assert_array_equal(engine.read(weights), 3)


def test_no_gradient_goes_through():
    def loss(x):
        (doubled,) = engine.host_call(lambda array: [2 * array], [(x.shape, "float32")], x)
        return ops.sum(x * doubled), doubled

    x = ops.convert_to_tensor(np.array([1, 3], "float32"))
    (value, doubled), gradient = engine.value_and_grad(loss)(x)
    assert as_array(value) == 20 and as_array(doubled).tolist() == [2, 6]
    np.testing.assert_array_equal(as_array(gradient), [2, 6])  # of x alone; with the factor it would be 4 x
