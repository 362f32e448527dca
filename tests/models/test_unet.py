"""U-Net: its weights by hand, how far it sees, its condition, pictures learnt by heart."""

import keras
import numpy as np
import pytest

from lab.models import unet
from lab.models.blocks import Blocks
from tests.contracts import as_array, raises, save_and_load, uniform
from tests.segmentation import accuracy_by_heart, bilinear

TINY = {"widths": (1, 2), "blocks": 1, "seed": 0}


def randomized(model, seed=0):
    """The model with weights of which none is 0."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.uniform(0.1, 0.6, weight.shape) * rng.choice([-1, 1], weight.shape[-1:]) for weight in model.weights]
    )
    for layer in model.layers:
        if hasattr(layer, "moving_variance"):
            layer.moving_variance.assign(abs(layer.moving_variance))
    return model


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # down: 9 + norm 4; bottom: 9 x 2 + norm 8; up: 1 x 1 x 2 x 1, 9 x 2 + norm 4; head: 1 + 1
        ({}, 13 + 26 + 24 + 2),
        # statistics of 2 + 4 + 2 numbers; scales and shifts: (3 + 1) x 2 x channels
        ({"condition": 3}, (9 + 2 + 8) + (18 + 4 + 16) + (2 + 18 + 2 + 8) + 2),
        ({"normalization": "group"}, 9 + 2 + 18 + 4 + 2 + 18 + 2 + 2),
        ({"blocks": 2}, 13 + 13 + 26 + (36 + 8) + 24 + 13 + 2),
    ],
)
def test_weights_by_hand(options, expected):
    assert unet((2, 2, 1), 1, **TINY | options).count_params() == expected


def test_shapes_and_kinds():
    model = unet((16, 24, 3), 5, widths=(4, 6, 8), dropout=0.1, attention_at=(2, 4), seed=0)
    assert model.output.shape == (None, 16, 24, 5) and model.output.dtype == "float32"
    sides = [model.get_layer(f"{stage}_relu1").output.shape[1:] for stage in ("down1", "down2", "bottom", "up2", "up1")]
    assert sides == [(16, 24, 4), (8, 12, 6), (4, 6, 8), (8, 12, 6), (16, 24, 4)]
    assert [layer.name for layer in model.layers if "attention" in layer.name] == [
        "down2_attention1",
        "bottom_attention1",
        "up2_attention1",
    ]
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in model.layers) == 1


def changed(levels, side):
    """Rows whose outputs change with the pixel in the upper left corner."""
    model = unet((side, side, 1), 2, widths=(8,) * levels, seed=1)
    images = uniform(0, 1, side, side, 1)
    other = images.copy()
    other[0, 0, 0] += 1
    return np.abs(as_array(model(images)) - as_array(model(other)))[0].max(axis=(1, 2)) > 0


def test_each_pixel_sees_the_whole_picture_at_depth():
    # Two levels: 2 pixels, 2 x 2 of the deeper level, 2 again: up to row 9.
    assert np.flatnonzero(changed(2, 16)).tolist() == list(range(10))
    assert changed(3, 16).all()


@pytest.mark.parametrize("normalization", ["batch", "group"])
def test_the_condition_is_a_scale_and_a_shift(normalization):
    options = {"widths": (3, 4), "blocks": 1, "normalization": normalization, "seed": 0}
    plain = randomized(unet((4, 4, 2), 3, **options))
    conditioned = unet((4, 4, 2), 3, condition=2, **options)
    images, conditions = uniform(1, 3, 4, 4, 2), uniform(2, 3, 2)
    assert not as_array(conditioned([images, conditions])).any()  # it says 0 at first
    for layer in plain.layers:
        twin = conditioned.get_layer(layer.name)
        if "norm" not in layer.name:
            twin.set_weights(layer.get_weights())
            continue
        scale, shift, *statistics = layer.get_weights()
        twin.set_weights(statistics)
        affine = conditioned.get_layer(layer.name.replace("norm", "dense"))
        affine.set_weights([np.zeros(affine.kernel.shape), np.concatenate([scale - 1, shift])])
    expected = as_array(plain(images))
    np.testing.assert_allclose(as_array(conditioned([images, conditions])), expected, rtol=1e-4, atol=1e-5)
    for layer in conditioned.layers:
        if "dense" in layer.name:  # now it depends on the condition, each picture on its own one
            layer.kernel.assign(uniform(3, *layer.kernel.shape))
    ours, theirs = as_array(conditioned([images, conditions])), conditions.copy()
    theirs[1] += 1
    same = np.isclose(as_array(conditioned([images, theirs])), ours).all(axis=(1, 2, 3))
    assert same.tolist() == [True, False, True]
    assert np.abs(ours - expected).max() > 1e-3


def test_only_group_normalisation_is_blind_to_the_other_pictures():
    images = uniform(0, 3, 4, 4, 1)
    for normalization, alone in (("batch", False), ("group", True)):
        model = unet((4, 4, 1), 2, widths=(4, 8), normalization=normalization, seed=0)
        together = as_array(model(images, training=True))[:1]
        assert np.allclose(as_array(model(images[:1], training=True)), together, atol=1e-5) == alone


def test_seeds():
    options = {"widths": (3, 5), "attention_at": (1,), "condition": 2, "dropout": 0.5}
    one, again, other = (unet((4, 4, 1), 2, seed=seed, **options) for seed in (0, 0, 1))
    for mine, theirs in zip(one.variables, again.variables, strict=True):
        np.testing.assert_array_equal(as_array(mine), as_array(theirs))
    kernels = [as_array(weight) for weight in one.trainable_weights if len(weight.shape) == 4 and as_array(weight).any()]
    assert len({kernel.ravel()[:3].tobytes() for kernel in kernels}) == len(kernels) == 7
    others = [as_array(weight) for weight in other.trainable_weights if len(weight.shape) == 4 and as_array(weight).any()]
    assert all((mine != theirs).all() for mine, theirs in zip(kernels, others, strict=True))


def test_it_is_saved():
    model = randomized(unet((4, 4, 1), 2, widths=(3, 8), attention_at=(1,), condition=2, normalization="group", seed=0))
    x = [uniform(0, 2, 4, 4, 1), uniform(1, 2, 2)]
    np.testing.assert_allclose(as_array(save_and_load(model)(x)), as_array(model(x)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_enlarging_is_the_same_on_all_backends(factor):
    x = uniform(0, 2, 3, 4, 2)
    np.testing.assert_allclose(as_array(Blocks(0).enlarged(x, factor)), bilinear(x.astype("float64"), factor), atol=1e-6)
    nearest = as_array(Blocks(0).enlarged(x, factor, interpolation="nearest"))
    np.testing.assert_array_equal(nearest, x.repeat(factor, 1).repeat(factor, 2))
    # two pixels: 0 and 1, at the centres 1 and 3 of a line of 4
    line = as_array(Blocks(0).enlarged(np.array([[[[0], [1]]]], "float32"), 2))[0, 0, :, 0]
    np.testing.assert_allclose(line, [0, 0.25, 0.75, 1], atol=1e-6)


@pytest.mark.slow
def test_four_pictures_are_learnt_by_heart():
    assert accuracy_by_heart(unet((16, 16, 3), 3, widths=(8, 16), blocks=1, seed=0), 60) > 0.95


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (6, 8, 1)}, r"shape: expected sides divisible by 4, for 3 levels, received \(6, 8, 1\)"),
        ({"shape": (8, 8)}, r"shape: expected \(height, width, channels\)"),
        ({"outputs": 0}, "outputs: expected an integer >= 1, received 0"),
        ({"widths": (8,)}, r"widths: expected channels of two levels or more, received \(8,\)"),
        ({"widths": (8, 0, 8)}, "widths: expected an integer >= 1, received 0"),
        ({"blocks": 0}, "blocks: expected an integer >= 1, received 0"),
        ({"condition": 0}, "condition: expected an integer >= 1, received 0"),
        ({"normalization": "layer"}, "normalization: expected one of batch, group, received 'layer'"),
        ({"dropout": 1.0}, "dropout: expected a number >= 0 and < 1, received 1.0"),
        ({"attention_at": (8,)}, "attention_at: expected one of 1, 2, 4, received 8"),
    ],
)
def test_bad_input_is_named(options, words):
    with raises(words):
        unet(**{"shape": (8, 8, 1), "outputs": 2, "widths": (2, 2, 2), "seed": 0} | options)
