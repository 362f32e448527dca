"""Generated sequences."""

import numpy as np
import pytest

from lab.data import (
    adding,
    copy_memory,
    digits,
    mackey_glass,
    pixel_sequences,
    sine_mixture,
    windows,
)
from tests.contracts import raises


def test_the_adding_problem():
    x, y = adding(20_000, 7, seed=1)
    numbers, marks = x[..., 0], x[..., 1]
    np.testing.assert_array_equal(marks[:, :3].sum(1), 1)
    np.testing.assert_array_equal(marks[:, 3:].sum(1), 1)
    np.testing.assert_allclose(y[0, 0], numbers[0][marks[0] == 1].sum(), rtol=1e-6)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, abs=0.005)
    assert set(np.argmax(marks[:, 3:], axis=1)) == set(range(4))


def test_copying():
    x, y = copy_memory(2, 4, length=3, symbols=5, seed=0)
    for row in range(2):
        data = x[row, :3]
        assert data.min() >= 1 and data.max() <= 5
        np.testing.assert_array_equal(x[row], [*data, 0, 0, 0, 6, 0, 0, 0])
        np.testing.assert_array_equal(y[row], [0] * 7 + list(data))


def test_pixels_row_by_row_or_in_another_order():
    images, _ = digits()
    rows, mixed = pixel_sequences(images[:5]), pixel_sequences(images[:5], permutation_seed=1)
    np.testing.assert_allclose(rows[2].reshape(8, 8) * 255, images[2, :, :, 0])
    assert (rows != mixed).any()
    np.testing.assert_array_equal(np.sort(rows[:, :, 0]), np.sort(mixed[:, :, 0]))
    order = np.random.default_rng(1).permutation(64)
    np.testing.assert_array_equal(mixed, rows[:, order])


def test_mackey_glass_obeys_its_equation_and_converges_in_the_fourth_order():
    fine = mackey_glass(60, discard=0, step=0.01)
    errors = [np.abs(mackey_glass(60, discard=0, step=step) - fine).max() for step in (0.1, 0.05)]
    assert errors[0] < 2e-6
    assert errors[0] / errors[1] > 10  # 16 of a method of fourth order, less where the past has a corner
    # before a delay has passed the past is constant: x' = a - x / 10
    inflow = 0.2 * 1.2 / (1 + 1.2**10)
    exact = 10 * inflow + (1.2 - 10 * inflow) * np.exp(-0.1 * np.arange(17))
    np.testing.assert_allclose(fine[:17], exact, atol=1e-9)


def test_mackey_glass_is_chaotic_and_has_its_known_range():
    series = mackey_glass(2000)
    assert 0.2 < series.min() < 0.5 and 1.2 < series.max() < 1.4
    other = mackey_glass(1500, start=1.2 + 1e-6)
    assert np.abs(series[:1500] - other).max() > 0.05


def test_sine_mixtures():
    x = sine_mixture(4, 200, waves=1, periods=(20.0, 20.0), seed=2)
    np.testing.assert_allclose(x[:, 20:], x[:, :-20], atol=1e-5)
    noisy = sine_mixture(4, 200, waves=1, periods=(20.0, 20.0), noise=0.1, seed=2)
    assert np.std(noisy - x) == pytest.approx(0.1, rel=0.1)


def test_windows_look_ahead():
    x, y = windows(np.arange(10.0), 3, horizon=4)
    np.testing.assert_array_equal(x[:, :, 0], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]])
    np.testing.assert_array_equal(y[:, 0], [6, 7, 8, 9])


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: adding(5, 9, seed=seed),
        lambda seed: copy_memory(5, 9, seed=seed),
        lambda seed: (sine_mixture(5, 9, seed=seed),),
    ],
)
def test_seeds_decide(make):
    first, again, other = make(3), make(3), make(4)
    assert all((a == b).all() for a, b in zip(first, again))
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(first, other))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: adding(10, 0), ["length: expected", "0"]),
        (lambda: adding(0, 10), ["count: expected", "0"]),
        (lambda: copy_memory(1, 0), ["delay: expected", "0"]),
        (lambda: pixel_sequences(np.zeros((1, 8, 8))), ["images: expected uint8", "float64"]),
        (lambda: mackey_glass(5, step=0), ["step: expected", "0"]),
        (lambda: mackey_glass(5, step=0.3), ["step: expected a divisor", "0.3"]),
        (lambda: sine_mixture(1, 5, periods=(0, 1)), ["periods: expected", r"\(0, 1\)"]),
        (lambda: windows(np.zeros(3), 3), ["series: expected at least 4", r"\(3,\)"]),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()
