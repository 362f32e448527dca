"""FCN: its weights counted by hand, its sums in NumPy, pictures learnt by heart."""

import keras
import numpy as np
import pytest

from lab.models import resnet, small_resnet
from lab.vision import fcn, maps_at, maps_of
from tests.contracts import as_array, raises, save_and_load, uniform
from tests.segmentation import accuracy_by_heart, bilinear


def backbone():
    """Maps of 4, 8 and 16 channels at strides 1, 2 and 4."""
    return small_resnet((16, 16, 3), 2, depth=8, width=0.25, seed=0)


def network(stride=1, seed=0):
    return fcn(backbone(), 3, stride=stride, seed=seed)


def test_strides_and_weights():
    assert list(maps_of(backbone())) == [1, 2, 4]
    large = resnet((64, 96, 3), 2, depth=18, width=0.1, stem="large", seed=0)
    channels = {4: 6, 8: 13, 16: 26, 32: 51}
    assert {stride: maps_at(large, [stride])[0].shape[-1] for stride in channels} == channels
    for stride in (4, 32):
        ours = fcn(large, 5, stride=stride, seed=0)
        assert ours.output.shape == (None, 64, 96, 5) and ours.output.dtype == "float32"
        scores = sum(layer.count_params() for layer in ours.layers if layer.name.startswith("score"))
        assert scores == sum(5 * (count + 1) for each, count in channels.items() if each >= stride)


def test_scores_are_added_from_coarse_to_fine():
    shared, x = backbone(), uniform(0, 2, 16, 16, 3)
    maps = [as_array(each) for each in keras.Model(shared.input, maps_at(shared, (4, 2, 1)))(x)]
    ours = fcn(shared, 3, stride=1, seed=0)
    scores = 0
    for number, each in enumerate(maps, start=1):
        layer = ours.get_layer(f"score_conv{number}")
        assert as_array(layer.kernel).any() == (number == 1)  # finer scores start at 0
        layer.set_weights([uniform(number, *weight.shape) for weight in layer.weights])
        kernel, bias = (as_array(weight).astype("float64") for weight in layer.weights)
        scores = each @ kernel[0, 0] + bias + (bilinear(scores, 2) if number > 1 else 0)
    np.testing.assert_allclose(as_array(ours(x)), scores, rtol=1e-4, atol=1e-4)


def test_the_last_scores_are_enlarged_to_the_picture():
    shared, x = backbone(), uniform(0, 2, 16, 16, 3)
    ours = fcn(shared, 3, stride=2, seed=0)
    scores = as_array(keras.Model(ours.input, ours.get_layer("score_add1").output)(x))
    assert scores.shape == (2, 8, 8, 3)
    np.testing.assert_allclose(as_array(ours(x)), bilinear(scores, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_seeds_and_saving():
    one, again, other = (network(seed=seed) for seed in (0, 0, 1))
    x = uniform(0, 2, 16, 16, 3)
    np.testing.assert_array_equal(as_array(one(x)), as_array(again(x)))
    assert np.abs(as_array(one(x)) - as_array(other(x))).max() > 1e-3
    np.testing.assert_allclose(as_array(save_and_load(one)(x)), as_array(one(x)), atol=1e-5)


@pytest.mark.long
def test_four_pictures_are_learnt_by_heart():
    assert accuracy_by_heart(network(), 80) > 0.95


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: network(stride=8), "stride: expected one of 1, 2, 4, those of resnet8, received 8"),
        (lambda: fcn(backbone(), 0, stride=4, seed=0), "classes: expected an integer >= 1, received 0"),
        (lambda: fcn(uneven(), 2, stride=2, seed=0), r"backbone: expected strides that divide the next one, received \[2, 3\]"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()


def uneven():
    x = keras.Input((6, 6, 1))
    halves = keras.layers.MaxPooling2D(2)(x)
    return keras.Model(x, keras.layers.Conv2D(1, 2)(halves))  # 3 x 3, then 2 x 2
