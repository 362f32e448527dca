"""Encoders: shapes for every kind of image, scale, seeds."""

import keras
import numpy as np
import pytest

from lab.models import image_encoder, sequence_encoder
from tests.contracts import as_array


@pytest.mark.parametrize(
    ("shape", "features"),
    [((6, 6, 3), 128), ((3, 20, 20), 128), ((5, 7), 128), ((36, 36, 1), 512), ((4, 40, 40), 512), ((1, 1, 2), 128)],
)
def test_images_of_every_layout(shape, features):
    model = image_encoder(shape, seed=0)
    assert model.output_shape == (None, features)
    assert as_array(model(np.ones((2, *shape), "float32"))).shape == (2, features)


def test_channels_first_and_last_are_the_same_image():
    first, last = image_encoder((3, 20, 20), seed=1), image_encoder((20, 20, 3), seed=1)
    x = np.random.default_rng(0).normal(size=(2, 20, 20, 3)).astype("float32")
    np.testing.assert_allclose(as_array(first(np.moveaxis(x, -1, 1))), as_array(last(x)), atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 6, 3), (36, 36, 3)])
def test_pixels_are_scaled_and_weights_come_from_the_seed(shape):
    x = np.random.default_rng(0).integers(256, size=(2, *shape)).astype("float32")
    one, scaled, other = image_encoder(shape, seed=1), image_encoder(shape, scale=1 / 255, seed=1), image_encoder(shape, seed=2)
    np.testing.assert_allclose(as_array(one(x / 255)), as_array(scaled(x)), rtol=1e-4, atol=1e-6)
    assert np.abs(as_array(one(x / 255)) - as_array(other(x / 255))).max() > 0.01


def test_a_sequence_ends_in_the_last_output_of_a_gru():
    model = sequence_encoder((4, 3), units=5, seed=0)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    gru = model.layers[-1]
    state = np.zeros((2, 5), "float32")
    for t in range(4):
        state = as_array(gru.cell(x[:, t], [state])[0])
    np.testing.assert_allclose(as_array(model(x)), state, atol=1e-6)
    assert isinstance(gru, keras.layers.GRU) and gru.unroll
