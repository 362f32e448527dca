"""Networks of translation: their weights by hand, their receptive fields, saving, bad input."""

import keras
import numpy as np
import pytest

from lab import layers
from lab.models import patch_discriminator, residual_generator, side_by_side, unet, unet_generator
from tests.contracts import as_array, raises_text, save_and_load, uniform

PICTURES = uniform(0, 2, 16, 12, 3)


def fields(model):
    return {name: (field.size[0], field.stride[0]) for name, field in layers.receptive_field(model).items()}


def test_weights_by_hand():
    # 7 x 7 x 1 x 2 + norm 4; 3 x 3 x 2 x 4 + 8; 9 x 4 x 8 + 16; a block 2 (9 x 64 + 16);
    # 9 x 8 x 4 + 8; 9 x 4 x 2 + 4; 7 x 7 x 2 x 3 + 3
    expected = (98 + 4) + (72 + 8) + (288 + 16) + 2 * (576 + 16) + (288 + 8) + (72 + 4) + (294 + 3)
    assert residual_generator((8, 8, 1), 3, filters=2, blocks=1, seed=0).count_params() == expected
    # 4 x 4 x 3 x 2 + 2; 4 x 4 x 2 x 4 + 8; 4 x 4 x 4 x 1 + 1
    assert patch_discriminator((16, 16, 1), condition=2, receptive_field=16, filters=2, seed=0).count_params() == 98 + 136 + 65
    # 1 x 1 x 1 x 2 + 2; 2 x 4 + 8; 4 + 1
    assert patch_discriminator((8, 8, 1), receptive_field=1, filters=2, seed=0).count_params() == 4 + 16 + 5


@pytest.mark.parametrize("size", [1, 16, 34, 70, 142])
def test_a_logit_sees_a_patch(size):
    model = patch_discriminator((144, 144, 1), receptive_field=size, filters=1, seed=0)
    stride = {1: 1, 16: 2, 34: 4, 70: 8, 142: 16}[size]
    assert list(fields(model).values())[-1] == (size, stride)
    assert model.output_shape[1:] == (144 // stride, 144 // stride, 1)
    widths = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert widths == {1: [1, 2, 1], 16: [1, 2, 1], 34: [1, 2, 4, 1], 70: [1, 2, 4, 8, 1], 142: [1, 2, 4, 8, 8, 1]}[size]


def test_what_generators_see():
    # 7, then 3 x 3 with strides 1 and 2: + 2 + 4; each block at stride 4: + 16; nearest neighbours
    # and 3 x 3 at stride 2: + 2 + 4, at stride 1: + 1 + 2; 7 x 7: + 6.
    for blocks in (0, 1, 6):
        found = fields(residual_generator((32, 32, 1), 1, filters=1, blocks=blocks, seed=0))
        assert found["head_conv1"] == (7 + 2 + 4 + 16 * blocks + 2 + 4 + 1 + 2 + 6, 1)


def test_pictures_of_any_size():
    model = residual_generator((None, None, 3), 1, filters=4, blocks=1, seed=0)
    fixed = residual_generator((16, 12, 3), 1, filters=4, blocks=1, seed=0)
    made = as_array(model(PICTURES))
    np.testing.assert_array_equal(made, as_array(fixed(PICTURES)))
    assert made.shape == (2, 16, 12, 1) and np.abs(made).max() <= 1
    assert as_array(model(PICTURES[:, :8, :8])).shape == (2, 8, 8, 1)
    np.testing.assert_allclose(as_array(save_and_load(model)(PICTURES)), made, atol=1e-6)


def test_a_sample_does_not_depend_on_the_others():
    model = residual_generator((16, 12, 3), 2, filters=4, blocks=1, seed=0)
    np.testing.assert_allclose(as_array(model(PICTURES, training=True))[:1], as_array(model(PICTURES[:1])), atol=1e-6)


def test_the_unets_generator_is_a_unet():
    network = unet((16, 16, 1), 2, widths=(4, 8), blocks=1, dropout=0.5, seed=3)
    model = unet_generator((16, 16, 1), 2, widths=(4, 8), seed=3)
    x = uniform(1, 2, 16, 16, 1)
    np.testing.assert_allclose(as_array(model(x)), np.tanh(as_array(network(x))), atol=1e-6)
    assert (as_array(model(x, training=True)) != as_array(model(x, training=True))).any()  # dropout is noise


def test_two_models_side_by_side():
    one, other = (residual_generator((8, 8, 1), 1, filters=2, blocks=0, seed=seed, name=f"g{seed}") for seed in (0, 1))
    x, y = uniform(2, 1, 8, 8, 1), uniform(3, 1, 8, 8, 1)
    pair = side_by_side(one, other, name="pair")
    for model in (pair, save_and_load(pair)):
        made = model([x, y])
        np.testing.assert_allclose(as_array(made[0]), as_array(one(x)), atol=1e-6)
        np.testing.assert_allclose(as_array(made[1]), as_array(other(y)), atol=1e-6)


def test_bad_input():
    with raises_text("shape: expected (height, width, channels), sides divisible by 4 and >= 8, received (30, 32, 1)."):
        residual_generator((30, 32, 1), 1, seed=0)
    with raises_text("receptive_field: expected one of 1, 16, 34, 70, 142, received 20"):
        patch_discriminator((32, 32, 1), receptive_field=20, seed=0)
    with raises_text("shape: expected sides >= 32 for a receptive field of 142, received (16, 16, 1)."):
        patch_discriminator((16, 16, 1), receptive_field=142, seed=0)  # it would normalise a map of one pixel to 0
    with raises_text("normalization: expected one of instance, batch, none, received 'layer'"):
        patch_discriminator((32, 32, 1), normalization="layer", seed=0)
