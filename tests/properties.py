"""Randomly drawn inputs, and the comparison of two functions in values and gradients."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from lab import engine
from tests.contracts import as_array

# Few examples, and always the same: these are regression tests, not a search for new bugs.
deterministic = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)
EXTREMES = [0.0, -0.0, 1e4, -1e4, 1e-40, -1e-40, 1.0, -1.0]
NUMBERS = st.one_of(st.sampled_from(EXTREMES), st.floats(-30, 30, width=32))


def arrays(shape=SHAPES, numbers=NUMBERS):
    return hnp.arrays(np.float32, shape, elements=numbers)


def pairs(first=NUMBERS, second=NUMBERS, shape=SHAPES):
    """Two arrays of one shape."""
    return shape.flatmap(lambda s: st.tuples(arrays(st.just(s), first), arrays(st.just(s), second)))


def value_and_gradient(function, x):
    """The function's values, and the gradient of their weighted sum."""

    def loss(x):
        y = function(x)
        weights = np.cos(np.arange(np.prod(y.shape, dtype=int))).reshape(y.shape).astype("float32")
        return ops.sum(y * ops.convert_to_tensor(weights)), y

    (_, y), gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(x))
    return as_array(y), as_array(gradient)


def assert_same(ours, theirs, x, tolerance=1e-6):
    """Both functions have the same values and gradients, up to a tolerance."""
    for got, expected in zip(value_and_gradient(ours, x), value_and_gradient(theirs, x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
