import numpy as np
import pytest
from keras import ops

from lab import engine
from tests.engine.arrays import as_array, variable


def test_scan_stacks_outputs_and_sees_assignments_of_earlier_steps():
    v = variable(1.0)

    def step(x):
        v.assign(v.value * 2 + x)
        return {"v": ops.copy(v), "x": x}

    outputs = engine.compile(lambda xs: engine.scan(step, [v], xs), [v])(np.arange(3, dtype="float32"))
    np.testing.assert_allclose(as_array(outputs["v"]), [2, 5, 12])
    np.testing.assert_allclose(as_array(outputs["x"]), [0, 1, 2])
    np.testing.assert_allclose(as_array(v), 12)


def test_scans_nest_and_take_nested_inputs():
    total, rows = variable(0.0), variable(0, "int32")

    def inner(pair):
        total.assign(total.value + pair[0] * pair[1])
        return ops.copy(total)

    def outer(x):
        rows.assign(rows.value + 1)
        return engine.scan(inner, [total], (x["a"], x["b"]))

    a = np.arange(6, dtype="float32").reshape(2, 3)
    outputs = engine.compile(lambda x: engine.scan(outer, [total, rows], x), [total, rows])({"a": a, "b": a + 1})
    np.testing.assert_allclose(as_array(outputs), np.cumsum((a * (a + 1)).ravel()).reshape(2, 3))
    assert int(rows.value) == 2


def test_scan_without_outputs_and_outside_a_program():
    v = variable(1.0)

    def step(_):
        v.assign(v.value + 1)
        return {}

    assert engine.scan(step, [v], length=4) == {}
    np.testing.assert_allclose(as_array(v), 5)


def test_gradient_through_a_scan():
    w = variable(0.5)

    def loss(xs):
        h = ops.zeros(())
        for x in range(3):
            h = ops.tanh(w.value * h + xs[x])
        return h, None

    def scanned(xs):
        return ops.sum(engine.scan(lambda x: ops.tanh(w.value * x), [], xs)), None

    xs = np.array([0.1, -0.4, 0.7], "float32")
    _, (gradient,) = engine.compile(engine.value_and_grad(scanned, [w]), [w])(xs)
    np.testing.assert_allclose(as_array(gradient), np.sum(xs * (1 - np.tanh(0.5 * xs) ** 2)), rtol=1e-5)
    _, (gradient,) = engine.compile(engine.value_and_grad(loss, [w]), [w])(xs)
    assert np.isfinite(as_array(gradient))


def test_a_variable_that_a_scan_did_not_declare_is_named():
    declared, forgotten = variable(1.0), variable(1.0, name="forgotten")

    def step(_):
        forgotten.assign(declared.value)
        return {}

    with pytest.raises(engine.UndeclaredVariableError, match=r"scan over.*assigned the variable '.*forgotten'"):
        engine.compile(lambda: engine.scan(step, [declared], length=2), [declared, forgotten])()
