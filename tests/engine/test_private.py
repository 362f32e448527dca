import os
import subprocess
import sys
import tempfile

import keras
import pytest

from lab.engine import private
from tests.backends import only
from tests.processes import ROOT


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


@pytest.mark.slow
@only("jax")
def test_a_model_is_saved_on_jax_without_tensorflow():
    code = """
import sys
import keras
from lab.engine import private
from keras.src.utils.module_utils import tensorflow
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
with private.without_tensorflow():
    model.save(sys.argv[1])
assert "tensorflow" not in sys.modules
assert keras.saving.load_model(sys.argv[1]).count_params() == 3
assert tensorflow.available  # for an export, afterwards
"""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code, f"{folder}/model.keras"]
        done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
