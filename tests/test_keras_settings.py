"""What a user's Keras is set to changes nothing in a run."""

import sys

import keras
import pytest

from lab import keras_settings


def test_ambient_settings_are_not_the_runs():
    config = keras.config
    config.set_image_data_format("channels_first")
    config.set_floatx("float16")
    config.set_dtype_policy("mixed_bfloat16")
    config.set_epsilon(1e-3)
    config.set_max_epochs(1)
    config.set_max_steps_per_epoch(1)
    keras_settings.import_keras()
    found = [config.image_data_format(), config.floatx(), config.dtype_policy().name, config.epsilon()]
    assert found == ["channels_last", "float32", "float32", 1e-7]
    assert [config.max_epochs(), config.max_steps_per_epoch(), config.is_nnx_enabled()] == [None, None, False]


def test_a_keras_that_cannot_be_imported_is_one_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ValueError, match=r"^Keras: expected one that can be imported on jax, received import of keras halted"):
        keras_settings.import_keras()


def test_backends(monkeypatch):
    here = keras.backend.backend()
    keras_settings.choose_backend(here)
    other = {"tensorflow": "jax", "jax": "tensorflow"}[here]
    with pytest.raises(ValueError, match=f"KERAS_BACKEND: expected '{other}', on which the run was started, received '{here}'"):
        keras_settings.choose_backend(other)
    with pytest.raises(ValueError, match="KERAS_BACKEND: expected 'tensorflow' or 'jax', received 'torch'"):
        keras_settings.choose_backend("torch")
