import numpy as np
from keras import ops

from lab import engine
from tests.engine.arrays import as_array, variable


def test_the_gradient_agrees_with_finite_differences():
    rng = np.random.default_rng(0)
    w, b = variable(rng.normal(size=(3, 2))), variable(rng.normal(size=2))
    x = rng.normal(size=(5, 3)).astype("float32")

    def loss(x):
        y = ops.tanh(ops.matmul(x, w) + b)
        return ops.mean(ops.sum(y**2, axis=-1)), {"y": y}

    def numpy_loss(w, b):
        return np.mean(np.sum(np.tanh(x.astype("float64") @ w + b) ** 2, -1))

    (value, extras), gradients = engine.compile(engine.value_and_grad(loss, [w, b]), [w, b])(x)
    w64, b64 = np.asarray(w, np.float64), np.asarray(b, np.float64)
    np.testing.assert_allclose(value, numpy_loss(w64, b64), rtol=1e-5)
    assert as_array(extras["y"]).shape == (5, 2)
    for position, (array, gradient) in enumerate(zip([w64, b64], gradients, strict=True)):
        for index in np.ndindex(array.shape):
            pair = [w64.copy(), b64.copy()]
            pair[position][index] += 1e-6
            up = numpy_loss(*pair)
            pair[position][index] -= 2e-6
            np.testing.assert_allclose(as_array(gradient)[index], (up - numpy_loss(*pair)) / 2e-6, rtol=1e-3, atol=1e-5)


def test_what_does_not_matter_has_gradient_zero():
    v, unused = variable(2.0), variable([1.0, 1.0])
    _, gradients = engine.value_and_grad(lambda: (v.value**2, None), [v, unused])()
    np.testing.assert_allclose(as_array(gradients[0]), 4)
    np.testing.assert_allclose(as_array(gradients[1]), [0, 0])


def test_second_derivatives():
    w = variable(3.0)

    def penalty(x):
        # d/dx (w x^3) = 3 w x^2
        # d/dw (3 w x^2)^2 = 2 (3 w x^2) (3 x^2) = 18 w x^4
        (_, _), slope = engine.value_and_grad(lambda x: (w.value * x**3, None))(x)
        return slope**2, None

    (value, _), (gradient,) = engine.compile(engine.value_and_grad(penalty, [w]), [w])(2.0)
    np.testing.assert_allclose([value, gradient], [36.0**2, 18 * 3 * 16], rtol=1e-6)


def test_an_assignment_in_a_loss_is_kept():
    v, count = variable(2.0), variable(0, "int32")

    def loss():
        count.assign(count.value + 1)
        return v.value**2, None

    engine.compile(engine.value_and_grad(loss, [v]), [v, count])()
    assert int(count.value) == 1
