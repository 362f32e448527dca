"""Spectral normalisation: by hand, by singular values, and by finite differences."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine, layers
from tests.contracts import as_array, uniform


def spectral(kernel, dtype=None, **options):
    def start(shape, dtype=None):
        return ops.convert_to_tensor(kernel, dtype=dtype)

    inner = keras.layers.Dense(kernel.shape[1], use_bias=False, kernel_initializer=start, dtype=dtype)
    layer = layers.SpectralNormalization(inner, dtype=dtype, **options)
    layer.build((None, kernel.shape[0]))
    return layer


def normalised(layer, training=False):
    return as_array(layer(np.eye(layer.layer.kernel.shape[0], dtype="float32"), training=training))


def test_spectral_norm_by_hand_and_from_the_start():
    ones = spectral(np.ones((2, 2), "float32"), power_iterations=1)
    np.testing.assert_allclose(normalised(ones), np.full((2, 2), 0.5), atol=1e-6)  # sigma of 2x2 ones is 2
    layer = layers.SpectralNormalization(keras.layers.Conv2D(16, 3))
    x = uniform(0, 1, 6, 6, 8)
    layer(x)
    matrix = as_array(layer.layer.kernel).reshape(-1, 16)
    sigma = np.linalg.svd(matrix, compute_uv=False)[0]
    plain = keras.layers.Conv2D(16, 3)
    plain.build(x.shape)
    plain.kernel.assign(as_array(layer.layer.kernel) / sigma)
    np.testing.assert_allclose(as_array(layer(x)), as_array(plain(x)), atol=1e-5)  # exact before any training


@pytest.mark.parametrize(("rows", "columns"), [(3, 2), (2, 3)])
def test_the_vectors_start_exact_whichever_side_is_smaller(rows, columns):
    kernel = uniform(0, rows, columns)
    layer = spectral(kernel)
    left, values, right = np.linalg.svd(kernel.astype(float))
    u, v = as_array(layer.u), as_array(layer.v)
    np.testing.assert_allclose(abs(u @ right[0]), 1, rtol=1e-6)
    np.testing.assert_allclose(v @ kernel @ u, values[0], rtol=1e-6)
    np.testing.assert_allclose(abs(v @ left[:, 0]), 1, rtol=1e-6)


def test_the_decomposition_is_of_the_smaller_side(monkeypatch):
    seen, decompose = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: seen.append(len(matrix)) or decompose(matrix))
    for inputs, units in ((2, 300), (300, 2)):
        layers.SpectralNormalization(keras.layers.Dense(units)).build((None, inputs))
    assert seen == [2, 2]


def test_a_kernel_that_starts_at_zero_finds_its_norm():
    layer = spectral(np.zeros((2, 3), "float32"))
    kernel = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]], "float32")
    layer.layer.kernel.assign(kernel)
    np.testing.assert_allclose(normalised(layer, training=True), kernel / 3.0, rtol=1e-6)


def test_spectral_norm_follows_a_kernel_that_trains():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(30, 20)).astype("float32")
    layer = spectral(kernel)
    for _ in range(50):
        kernel = kernel + 0.01 * rng.normal(size=kernel.shape).astype("float32")
        layer.layer.kernel.assign(kernel)
        weights = normalised(layer, training=True)
    assert abs(np.linalg.svd(weights, compute_uv=False)[0] - 1) < 1e-3
    np.testing.assert_array_equal(as_array(layer.layer.kernel), kernel)  # never overwritten
    new = spectral(kernel, power_iterations=30)
    new.layer.kernel.assign(rng.normal(size=(30, 20)))
    assert abs(np.linalg.svd(normalised(new), compute_uv=False)[0] - 1) < 1e-3  # another kernel, 30 iterations


def test_three_calls_in_one_step_are_as_one():
    kernel = uniform(0, 12, 8)
    once, thrice = spectral(kernel), spectral(kernel)
    for step in range(3):
        for layer, calls in ((once, 1), (thrice, 3)):
            layer.layer.kernel.assign(kernel + 0.1 * step * uniform(step, 12, 8))
            for _ in range(calls):
                last = normalised(layer, training=True)
            if calls == 1:
                expected = last
        np.testing.assert_array_equal(last, expected)
    for name in ("u", "v", "seen"):
        np.testing.assert_array_equal(as_array(getattr(once, name)), as_array(getattr(thrice, name)))


def test_the_gradient_flows_through_sigma():
    kernel = uniform(0, 5, 4)
    x, w = uniform(1, 3, 5), uniform(2, 3, 4)
    layer = spectral(kernel)

    def value(kernel):
        return float(np.sum(w * (x @ (kernel / np.linalg.svd(kernel, compute_uv=False)[0]))))

    _, (gradient,) = engine.value_and_grad(
        lambda: (ops.sum(ops.multiply(w, layer(x, training=False))), ()), [layer.layer.kernel]
    )()
    numeric = np.zeros_like(kernel, float)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel, float)
        step[index] = 1e-5
        numeric[index] = (value(kernel.astype(float) + step) - value(kernel.astype(float) - step)) / 2e-5
    np.testing.assert_allclose(as_array(gradient), numeric, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16", "mixed_float16", "mixed_bfloat16"])
def test_a_kernel_of_zeros_stays_zero(dtype):
    layer = spectral(np.zeros((4, 3), "float32"), dtype)
    for _ in range(2):
        np.testing.assert_array_equal(normalised(layer, training=True), np.zeros((4, 3)))
    _, (gradient,) = engine.value_and_grad(
        lambda: (ops.sum(layer(np.ones((1, 4), "float32"), training=True)), ()), [layer.layer.kernel]
    )()
    assert dtype in ("float16", "mixed_float16") or np.isfinite(as_array(gradient)).all()  # 1 / epsilon overflows float16
