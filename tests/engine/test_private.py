import keras
import pytest

from lab.engine import private


def test_keras_and_tensorflow_have_what_the_laboratory_needs():
    gone = private.missing()
    assert not gone, f"private symbols: expected {', '.join(gone)}, received none; see lab/engine/private.py"


def test_a_symbol_that_is_gone_is_named(monkeypatch):
    monkeypatch.setitem(private.KERAS, "keras.layers.Layer", ("_flatten_layers", "_no_such_method"))
    assert private.missing() == ["keras.layers.Layer._no_such_method"]


def test_layers_within_models_are_found():
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="inside")])
    model = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(1, name="outside")])
    names = [layer.name for layer in private.flatten_layers(model)]
    assert {"inside", "outside"} <= set(names)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a generator of TensorFlow's")
def test_a_named_generator_is_taken_back():
    module = private._module("tensorflow.python.ops.random_ops_util")
    before = module.get_key_counter_alg
    with private.named_generator("philox"):
        assert module.get_key_counter_alg is not before
    assert module.get_key_counter_alg is before
