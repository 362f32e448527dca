import keras
import numpy as np
import pytest

from lab import engine
from lab.agents import exploration


def test_schedules_by_hand():
    linear = exploration.linear(1.0, 0.2, 100)
    np.testing.assert_allclose([float(linear(t)) for t in (0, 50, 100, 1000)], [1.0, 0.6, 0.2, 0.2], rtol=1e-6)
    half = exploration.exponential(1.0, 0.0, 10)
    np.testing.assert_allclose([float(half(t)) for t in (0, 10, 30)], [1.0, 0.5, 0.125], rtol=1e-6)
    assert exploration.constant(0.3)(5) == 0.3


def frequencies(choose):
    values = np.tile(np.array([[0.0, 2.0, 1.0, 2.0]], np.float32), (40_000, 1))
    return np.bincount(np.asarray(choose(values)), minlength=4) / len(values)


@pytest.mark.slow
def test_epsilon_greedy_takes_the_first_best_action_and_explores_all():
    seed = keras.random.SeedGenerator(0)
    for epsilon in (0.0, 0.4, 1.0):
        program = engine.compile(lambda q, epsilon=epsilon: exploration.epsilon_greedy(q, epsilon, seed), [seed.state])
        expected = np.full(4, epsilon / 4)
        expected[1] += 1 - epsilon
        np.testing.assert_allclose(frequencies(program), expected, atol=0.01)
        generator = np.random.default_rng(0)
        host = frequencies(lambda q, e=epsilon, g=generator: exploration.host_epsilon_greedy(q, e, g))
        np.testing.assert_allclose(host, expected, atol=0.01)
