"""DeepLab: its weights counted by hand, its pyramid in NumPy, pictures learnt by heart."""

import keras
import numpy as np
import pytest

from lab.models import resnet, small_resnet
from lab.models.blocks import Blocks
from lab.vision import deeplab
from lab.vision.deeplab import atrous_pyramid
from tests.contracts import as_array, raises, save_and_load, uniform
from tests.segmentation import accuracy_by_heart, bilinear


def backbone():
    """Maps of 4, 8 and 16 channels at strides 1, 2 and 4."""
    return small_resnet((16, 16, 3), 2, depth=8, width=0.25, seed=0)


def network(seed=0, **options):
    return deeplab(backbone(), 3, seed=seed, **{"strides": (1, 4), "rates": (1, 2), "channels": 16} | options)


def test_weights_by_hand():
    low = 3  # 48 / 256 of 16
    expected = {
        "1 x 1": 16 * 16 + 4 * 16,
        "two rates": 2 * (9 * 16 + 16 * 16 + 4 * 16),
        "mean": 16 * 16 + 4 * 16,
        "joined": 4 * 16 * 16 + 4 * 16,
        "fine": 4 * low + 4 * low,
        "decoder": 9 * (low + 16) * 16 + 4 * 16 + 9 * 16 * 16 + 4 * 16,
        "logits": 16 * 3 + 3,
    }
    ours = network()
    ours_alone = [layer for layer in ours.layers if layer.name.startswith(("atrous", "decoder"))]
    assert sum(layer.count_params() for layer in ours_alone) == sum(expected.values())
    assert ours.output.shape == (None, 16, 16, 3) and ours.output.dtype == "float32"
    large = resnet((64, 96, 3), 2, depth=18, width=0.1, stem="large", seed=0)
    assert deeplab(large, 5, channels=8, seed=0).output.shape == (None, 64, 96, 5)


def test_the_atrous_pyramid_in_numpy():
    rates, channels = (1, 2, 7), 3
    inputs = keras.Input((5, 4, 2))
    pyramid = keras.Model(inputs, atrous_pyramid(Blocks(0), inputs, channels, rates))
    x = uniform(0, 2, 5, 4, 2)
    named = {variable.path: as_array(variable).astype("float64") for variable in pyramid.variables}

    def unit(maps):  # the normalisation of a new network: mean 0, variance 1
        return np.maximum(maps, 0) / np.sqrt(1 + 1e-5)

    branches = [unit(x @ named["atrous_conv1/kernel"][0, 0])]
    for number, rate in enumerate(rates, start=1):
        filters = named[f"atrous_separable{number}/depthwise_kernel"][..., 0]
        around = np.pad(x, [(0, 0), (rate, rate), (rate, rate), (0, 0)])
        sums = sum(
            filters[i, j] * around[:, i * rate : i * rate + 5, j * rate : j * rate + 4] for i in range(3) for j in range(3)
        )
        branches.append(unit(sums @ named[f"atrous_separable{number}/pointwise_kernel"][0, 0]))
    mean = unit(x.mean(axis=(1, 2), keepdims=True) @ named["atrous_conv2/kernel"][0, 0])
    branches.append(np.broadcast_to(mean, branches[0].shape))
    expected = unit(np.concatenate(branches, axis=-1) @ named["atrous_conv3/kernel"][0, 0])
    assert expected.std() > 0
    np.testing.assert_allclose(as_array(pyramid(x)), expected, rtol=1e-4, atol=1e-5)


def test_maps_are_enlarged_to_the_fine_one_and_to_the_picture():
    ours, x = network(strides=(2, 4)), uniform(0, 2, 16, 16, 3)
    names = ("atrous_relu5", "decoder_join1", "decoder_conv4")
    context, joined, logits = keras.Model(ours.input, [ours.get_layer(name).output for name in names])(x)
    assert joined.shape == (2, 8, 8, 3 + 16)
    np.testing.assert_allclose(as_array(joined)[..., 3:], bilinear(as_array(context), 2), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(as_array(ours(x)), bilinear(as_array(logits), 2), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_seeds_and_saving():
    one, again, other = (network(seed=seed) for seed in (0, 0, 1))
    x = uniform(0, 2, 16, 16, 3)
    np.testing.assert_array_equal(as_array(one(x)), as_array(again(x)))
    assert np.abs(as_array(one(x)) - as_array(other(x))).max() > 1e-3
    kernels = [as_array(weight).ravel()[:3].tobytes() for weight in one.trainable_weights if len(weight.shape) == 4]
    assert len(set(kernels)) == len(kernels)
    np.testing.assert_allclose(as_array(save_and_load(one)(x)), as_array(one(x)), atol=1e-5)


@pytest.mark.long
def test_four_pictures_are_learnt_by_heart():
    assert accuracy_by_heart(network(), 80) > 0.95


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: network(strides=(4, 1)), r"strides: expected \(fine, coarse\).*received \(4, 1\)"),
        (lambda: network(strides=(1, 8)), "strides: expected some of 1, 2, 4, those of resnet8, received 8"),
        (lambda: network(rates=(0,)), "rates: expected an integer >= 1, received 0"),
        (lambda: network(channels=0), "channels: expected an integer >= 1, received 0"),
        (lambda: deeplab(backbone(), 0, seed=0), "classes: expected an integer >= 1, received 0"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()
