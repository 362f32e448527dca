"""Optimizers around others: Lookahead, SAM, ExtraGradient."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import optimizers
from tests.contracts import as_array, check_optimizer, quadratic, trajectory

pytestmark = pytest.mark.usefixtures("module_graphs")


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Lookahead(optimizers.Adam(0.05)),
        lambda: optimizers.SAM(optimizers.Momentum(0.05)),
        lambda: optimizers.ExtraGradient(keras.optimizers.Adam(0.05)),
    ],
    ids=["Lookahead", "SAM", "ExtraGradient"],
)
def test_contract(make):
    check_optimizer(make)


def test_lookahead_is_the_papers_loop():
    path = trajectory(optimizers.Lookahead(optimizers.SGD(0.05), interval=3, alpha=0.4), 10)
    variables, _ = quadratic()
    theta = np.concatenate([as_array(variable).ravel() for variable in variables]).astype(float)
    plain = trajectory(optimizers.SGD(0.05), 1)[0]
    scale = (theta - plain) / 0.05 / (theta - 1.0)
    slow = theta.copy()
    for step in range(10):
        theta = theta - 0.05 * scale * (theta - 1.0)
        if step % 3 == 2:
            slow = slow + 0.4 * (theta - slow)
            theta = slow.copy()
        np.testing.assert_allclose(path[step], theta, atol=1e-5)


def test_lookahead_counts_the_inner_optimizers_steps():
    weight = keras.Variable(1.0)
    optimizer = optimizers.Lookahead(optimizers.SGD(0.1, gradient_accumulation_steps=2), interval=2, alpha=0.5)
    optimizer.build([weight])
    seen = []
    for _ in range(6):
        optimizer.apply([ops.convert_to_tensor(1.0)], [weight])
        seen.append(float(as_array(weight)))
    np.testing.assert_allclose(seen, [1.0, 0.9, 0.9, 0.9, 0.9, 0.8], rtol=1e-6)  # .8 after two steps, halfway back to 1


def test_sam_steps_with_the_gradient_of_the_worst_point_nearby():
    a, b = keras.Variable([3.0]), keras.Variable([4.0])
    optimizer = optimizers.SAM(optimizers.SGD(0.1), rho=1.0)
    optimizer.build([a, b])
    optimizer.ascend([ops.copy(a), ops.copy(b)], [a, b])  # of (a^2 + b^2) / 2, of norm 5
    np.testing.assert_allclose([as_array(a)[0], as_array(b)[0]], [3.6, 4.8], rtol=1e-6)
    optimizer.apply([ops.copy(a), ops.copy(b)], [a, b])
    np.testing.assert_allclose([as_array(a)[0], as_array(b)[0]], [3 - 0.36, 4 - 0.48], rtol=1e-6)
    optimizer.apply([ops.copy(a), ops.copy(b)], [a, b])  # without an ascent: a step of SGD
    np.testing.assert_allclose([as_array(a)[0], as_array(b)[0]], [2.64 * 0.9, 3.52 * 0.9], rtol=1e-6)
    before = as_array(a)
    optimizer.ascend([ops.zeros(1), ops.zeros(1)], [a, b])
    np.testing.assert_array_equal(as_array(a), before)


def test_sam_leaves_weights_without_a_gradient():
    a, b = keras.Variable([3.0]), keras.Variable([4.0])
    optimizer = optimizers.SAM(optimizers.SGD(0.1), rho=0.5)
    optimizer.build([a, b])
    optimizer.ascend([ops.copy(a), None], [a, b])
    np.testing.assert_allclose([as_array(a)[0], as_array(b)[0]], [3.5, 4.0], rtol=1e-6)
    optimizer.apply([ops.copy(a), None], [a, b])
    np.testing.assert_allclose([as_array(a)[0], as_array(b)[0]], [3 - 0.35, 4.0], rtol=1e-6)


def bilinear(make, steps):
    """Distances from the equilibrium of min_x max_y xy, played simultaneously."""
    x, y = keras.Variable(1.0), keras.Variable(1.0)
    players = make(), make()
    for player, variable in zip(players, (x, y), strict=True):
        player.build([variable])

    def gradients():
        return ops.copy(y), -ops.copy(x)

    distances = []
    for _ in range(steps):
        if isinstance(players[0], optimizers.ExtraGradient):
            for player, variable, gradient in zip(players, (x, y), gradients(), strict=True):
                player.extrapolate([gradient], [variable])
        for player, variable, gradient in zip(players, (x, y), gradients(), strict=True):
            player.apply([gradient], [variable])
        distances.append(float(np.hypot(as_array(x), as_array(y))))
    return distances


def test_extra_gradient_is_korpelevichs():
    x, y = 1.0, 1.0
    got = bilinear(lambda: optimizers.ExtraGradient(optimizers.SGD(0.3)), 20)
    for distance in got:
        ahead = x - 0.3 * y, y + 0.3 * x
        x, y = x - 0.3 * ahead[1], y + 0.3 * ahead[0]
        np.testing.assert_allclose(distance, np.hypot(x, y), rtol=1e-5)


@pytest.mark.slow
def test_in_the_bilinear_game_the_two_player_optimizers_converge_and_adam_does_not():
    assert bilinear(lambda: optimizers.SGD(0.1), 150)[-1] > 2.0
    assert bilinear(lambda: optimizers.ExtraGradient(optimizers.SGD(0.5)), 80)[-1] < 1e-3
    adam = {"learning_rate": 0.2, "beta_1": 0.0, "beta_2": 0.999}
    assert bilinear(lambda: optimizers.Adam(**adam), 100)[-1] > 2.0
    assert bilinear(lambda: optimizers.OptimisticAdam(**adam), 100)[-1] < 1e-2
    assert bilinear(lambda: optimizers.ExtraGradient(optimizers.Adam(**adam)), 100)[-1] < 1e-2


def test_settings_are_the_inner_optimizers():
    inner = optimizers.SGD(0.5)
    optimizer = optimizers.Lookahead(inner)
    assert float(as_array(optimizer.learning_rate)) == 0.5
    optimizer.learning_rate = 0.25
    assert float(as_array(inner.learning_rate)) == 0.25
    assert set(map(id, inner.variables)) <= set(map(id, optimizer.variables))
