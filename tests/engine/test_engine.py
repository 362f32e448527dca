import os
import subprocess
import sys
import traceback

import keras
import numpy as np
import optree
import pytest
from keras import ops

from lab import engine
from lab.runs import keras_settings
from tests.backends import only
from tests.engine.arrays import as_array, variable


def test_a_program_reads_and_assigns_its_state_and_returns_nested_structures():
    v = variable([1.0, 2.0])

    def program(x, options):
        v.assign(v.value * x)
        return {"sum": ops.sum(v.value), "both": (v.value + options["a"], [x])}

    compiled = engine.compile(program, [v])
    result = compiled(3.0, {"a": np.float64(10)})
    np.testing.assert_allclose(as_array(v), [3, 6])
    np.testing.assert_allclose(as_array(result["sum"]), 9)
    np.testing.assert_allclose(as_array(result["both"][0]), [13, 16])
    np.testing.assert_allclose(as_array(result["both"][1][0]), 3)
    compiled(2.0, {"a": 0.0})
    np.testing.assert_allclose(as_array(v), [6, 12])


def test_python_numbers_do_not_retrace():
    traces = []

    def program(x):
        traces.append(x)
        return x + 1

    compiled = engine.compile(program, [])
    assert [float(compiled(i)) for i in range(5)] == [1, 2, 3, 4, 5]
    assert len(traces) == 1


def test_inputs_arrive_in_32_bits():
    compiled = engine.compile(lambda x, n: (x, n), [])
    x, n = compiled(np.zeros(2, np.float64), np.zeros(2, np.int64))
    assert (as_array(x).dtype, as_array(n).dtype) == (np.float32, np.int32)


def test_write_changes_rows_in_place_and_only_those():
    rows = variable(np.zeros((5, 2)))
    engine.compile(lambda i, x: engine.write(rows, i, x), [rows])(np.array([4, 1]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(as_array(rows), [[0, 0], [3, 4], [0, 0], [0, 0], [1, 2]])
    flags = keras.Variable(np.zeros(3), dtype="bool")
    engine.compile(lambda i, x: engine.write(flags, i, x), [flags])(np.array([2]), np.array([True]))
    assert as_array(flags).tolist() == [False, False, True]


def test_reading_is_a_copy():
    x = variable(np.arange(3.0))
    before = engine.read(x)
    x.assign([5.0, 6.0, 7.0])
    np.testing.assert_array_equal(before, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(engine.read(x), [5.0, 6.0, 7.0])
    before[0] = 9.0
    np.testing.assert_array_equal(engine.read(x), [5.0, 6.0, 7.0])
    assert engine.read(keras.Variable(True, dtype="bool")).dtype == bool


def test_random_streams_go_on_from_call_to_call_and_repeat_from_the_same_state():
    def draws(seed):
        generator = keras.random.SeedGenerator(seed)

        def program():
            return engine.scan(lambda _: keras.random.normal((2,), seed=generator), [generator.state], length=3)

        compiled = engine.compile(program, [generator.state])
        return np.concatenate([as_array(compiled()) for _ in range(3)])

    first = draws(7)
    assert len(np.unique(first)) == first.size
    np.testing.assert_array_equal(first, draws(7))
    assert not np.any(first == draws(8))


def test_dropout_and_batch_normalization_keep_their_state_in_the_model():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dropout(0.5, seed=1), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    )
    gradient = engine.value_and_grad(lambda x: (ops.mean(model(x, training=True)), None), model.trainable_variables)
    before = [as_array(v).copy() for v in model.non_trainable_variables]
    engine.compile(gradient, model.variables)(np.random.default_rng(0).normal(size=(8, 4)))
    changed = [not np.array_equal(a, as_array(v)) for a, v in zip(before, model.non_trainable_variables, strict=True)]
    assert all(changed)


@pytest.mark.parametrize("touch", ["read", "assigned"])
def test_an_undeclared_variable_is_named(touch):
    declared, hidden = variable(1.0), variable(1.0, name="hidden_one")

    def program():
        if touch == "read":
            return declared.value + hidden.value
        hidden.assign(declared.value)
        return declared.value

    with pytest.raises(engine.UndeclaredVariableError, match=f"program.*{touch} the variable '.*hidden_one'"):
        engine.compile(program, [declared])()


def test_the_global_random_generator_is_undeclared_state():
    with pytest.raises(ValueError, match="seed"):  # on JAX it is Keras that refuses
        engine.compile(lambda: keras.random.normal((2,)), [])()


def test_errors_keep_the_users_line():
    def program(x):
        return ops.reshape(x, (3,))  # the user's line

    with pytest.raises(Exception) as caught:
        engine.compile(program, [])(np.zeros(4))
    assert "the user's line" in "".join(traceback.format_exception(caught.value))


def test_arguments_and_state_of_the_wrong_kind():
    with pytest.raises(TypeError, match="expected Keras variables, received ndarray"):
        engine.compile(lambda: 0, [np.zeros(2)])


def test_two_variables_with_one_buffer():
    a = variable([1.0, 2.0])
    b = variable([0.0, 0.0])
    b.assign(a.value)

    def program():
        a.assign(a.value + 1)
        return b.value * 1

    np.testing.assert_allclose(as_array(engine.compile(program, [a, b, a])()), [1, 2])
    np.testing.assert_allclose(as_array(b), [1, 2])
    np.testing.assert_allclose(as_array(a), [2, 3])


def test_a_buffer_shared_with_the_outside_survives():
    inside, outside = variable([1.0, 2.0]), variable([0.0, 0.0])
    outside.assign(inside.value)
    held = inside.value
    program = engine.compile(lambda: inside.assign(inside.value + 1), [inside])
    for _ in range(3):
        program()
    np.testing.assert_allclose(as_array(inside), [4, 5])
    np.testing.assert_allclose(as_array(outside), [1, 2])
    if keras.backend.backend() == "jax":
        np.testing.assert_allclose(held, [1, 2])


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow assigns in place")
def test_a_state_of_its_own_is_donated_not_copied():
    v = variable(np.zeros(1000))

    def count():
        v.assign(v.value + 1)

    program = engine.compile(count, [v])
    program()
    before = v.value.unsafe_buffer_pointer()
    program()
    assert v.value.unsafe_buffer_pointer() == before


@pytest.mark.slow
def test_the_same_program_gives_the_same_bits_twice():
    def train():
        keras.utils.clear_session()
        generator = keras.random.SeedGenerator(3)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(32, "tanh", kernel_initializer=_uniform(1)), _dense(2)])
        optimizer = keras.optimizers.Adam(1e-2)
        optimizer.build(model.trainable_variables)
        gradient = engine.value_and_grad(lambda x: (ops.mean((model(x) - 1) ** 2), None), model.trainable_variables)

        def update(_):
            (loss, _extras), gradients = gradient(keras.random.normal((16, 6), seed=generator))
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        state = [*model.variables, *optimizer.variables, generator.state]
        losses = engine.compile(lambda: engine.scan(update, state, length=20), state)()
        return [as_array(losses), *(as_array(v) for v in state)]

    first, second = train(), train()
    assert first[0][-1] < first[0][0]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def _uniform(seed):
    return keras.initializers.GlorotUniform(seed=seed)


def _dense(units):
    return keras.layers.Dense(units, kernel_initializer=_uniform(2))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX always compiles with XLA")
def test_on_a_cpu_convolutions_stay_graphs_and_the_rest_is_xla():
    import tensorflow as tf

    def uses_xla(model, shape, **options):
        x = tf.zeros(shape)
        compiled = engine.compile(lambda x: model(x), model.variables, **options)
        return bool(compiled.function(optree.tree_structure((x,)), [x])._jit_compile)

    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    convolution = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
    on_cpu = not tf.config.list_logical_devices("GPU")
    assert uses_xla(dense, (1, 4))
    assert uses_xla(convolution, (1, 8, 8, 1)) != on_cpu
    assert uses_xla(convolution, (1, 8, 8, 1), xla=True)
    assert not uses_xla(dense, (1, 4), xla=False)


@pytest.mark.parametrize(("asked", "used"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_asked_otherwise(monkeypatch, asked, used):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if asked:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", asked)
    keras_settings.choose_backend(keras.backend.backend())
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == used


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graphs")
def test_graphs_keep_the_order_of_reads_and_writes():
    """The pass of Grappler that breaks the order is off.

    With it, `test_a2c.py::test_one_update_by_hand` failed once in four processes.
    """
    import tensorflow as tf

    assert tf.config.optimizer.get_experimental_options()["dependency_optimization"] is False


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graphs")
def test_graphs_add_in_the_order_in_which_sums_are_written():
    """There is no `AddN`, whose order of additions is random.

    With it, twelve first updates of R3GAN's residual players had four outcomes.
    """
    import tensorflow as tf

    assert tf.config.optimizer.get_experimental_options()["arithmetic_optimization"] is False
    gradient = engine.value_and_grad(lambda x: (ops.sum(ops.sin(x) + ops.cos(x) * ops.exp(x)), {}))
    x = tf.ones(3)
    compiled = engine.compile(lambda x: gradient(x)[1], [], xla=False)
    graph = compiled.function(optree.tree_structure((x,)), [x]).get_concrete_function(x).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert "AddN" not in kinds
    assert kinds.count("AddV2") >= 2
    np.testing.assert_allclose(as_array(compiled(x)), np.cos(1) + np.exp(1) * (np.cos(1) - np.sin(1)), rtol=1e-6)


@only("tensorflow")
@pytest.mark.slow
def test_imports_leave_tensorflow_alone():
    """An import of layers does not change TensorFlow. The first compilation makes the settings."""
    script = """
import os
import tensorflow as tf
from tensorflow.python.eager import backprop
settings = lambda: (tf.config.optimizer.get_experimental_options(), backprop._default_vspace, os.environ.get("XLA_FLAGS"))
before = settings()
import lab.layers, lab.losses.penalties, lab.optimizers, lab.distributions, lab.models, lab.agents, lab.gan, lab.supervised
from lab import engine
assert settings() == before
engine.compile(lambda: 0, [])
assert settings()[0]["dependency_optimization"] is False and settings()[1] != before[1] and "ynn" in settings()[2]
"""
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
