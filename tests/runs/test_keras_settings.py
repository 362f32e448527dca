"""The settings of the user's Keras change nothing in a run."""

import sys

import keras
import numpy as np
import pytest

from lab import layers, models
from lab.runs import keras_settings


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


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.dcgan_generator(seed=0),
        lambda: models.dcgan_discriminator(seed=0),
        lambda: models.sngan_generator(seed=0),
        lambda: models.r3gan_discriminator(seed=0),
        lambda: models.classifier("lenet5", (28, 28, 1), 10, seed=0),
        lambda: models.small_resnet((28, 28, 1), 10, depth=8, seed=0),
        lambda: models.glyph_classifier(seed=0),
        lambda: models.nature_torso()(0),
    ],
)
def test_networks_of_images_say_that_channels_come_last(channels_first, make):
    with pytest.raises(ValueError, match=r"^image_data_format: expected 'channels_last', .*, received 'channels_first'; call "):
        make()


def test_layers_whose_channels_come_last_do_not_ask_keras(channels_first):
    ones = np.ones((1, 4, 6, 2), "float32")
    np.testing.assert_allclose(layers.Subsampling2D(2)(ones), np.ones((1, 2, 3, 2)))
    assert layers.TableConvolution2D([[1, 0], [1, 1]], 3)(ones).shape == (1, 2, 4, 2)


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
