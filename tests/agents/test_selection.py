import keras
import numpy as np

from lab import engine
from lab.agents import BestSnapshot


def test_the_best_weights_come_back_and_of_equals_the_latest():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    (kernel,) = model.variables
    best = BestSnapshot(model)
    for number, score in enumerate([3.0, 7.0, 7.0, 5.0]):
        kernel.assign(np.full((2, 1), number))
        best.offer(score)
    assert float(best.score.value) == 7.0
    np.testing.assert_array_equal(kernel, [[3], [3]])
    best.restore()
    np.testing.assert_array_equal(kernel, [[2], [2]])
    kernel.assign(np.full((2, 1), 9))
    best.restore()
    np.testing.assert_array_equal(kernel, [[2], [2]])


def test_programs_that_go_on_with_the_model_leave_the_copy_alone():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    (kernel,) = model.variables
    best = BestSnapshot(model)
    program = engine.compile(lambda: kernel.assign(kernel.value + 1), [kernel])
    best.offer(1.0)
    saved = np.asarray(kernel).copy()
    program()
    np.testing.assert_array_equal(best.variables[0], saved)
    best.restore()
    program()
    np.testing.assert_allclose(kernel, saved + 1)
    np.testing.assert_array_equal(best.variables[0], saved)


def test_its_state_is_in_its_variables():
    def make():
        return BestSnapshot(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))

    first, second = make(), make()
    first.offer(4.0)
    for target, source in zip(second.variables, first.variables, strict=True):
        target.assign(np.asarray(source))
    second.restore()
    for a, b in zip(first._model.variables, second._model.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(second.score.value) == 4.0
