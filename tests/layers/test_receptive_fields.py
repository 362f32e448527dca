"""Receptive fields against gradients, and feature maps against the model's layers."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine, layers
from tests.contracts import as_array, raises

L = keras.layers
ONES = {"kernel_initializer": "ones"}


def residual():
    x = keras.Input((17, 15, 1))
    y = L.Conv2D(2, 3, padding="same", **ONES)(x)
    y = L.Add()([L.Conv2D(2, 1, **ONES)(x), L.Conv2D(2, 3, padding="same", dilation_rate=2, **ONES)(y)])
    return keras.Model(x, L.MaxPooling2D(2)(y))


def nested():
    inner = keras.Sequential([keras.Input((19, 2)), L.Conv1D(2, 4, strides=2, **ONES), L.ReLU()], name="inner")
    x = keras.Input((20, 1))
    return keras.Model(x, L.Conv1D(1, 3, **ONES)(inner(L.Conv1D(2, 2, **ONES)(x))))


def chain(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


MODELS = {
    "lenet": lambda: chain(
        (28, 28, 1),
        L.Conv2D(2, 5, padding="same", **ONES),
        L.AveragePooling2D(2),
        L.Conv2D(2, 5, **ONES),
        L.AveragePooling2D(2),
    ),
    "strided": lambda: chain((21, 18, 1), L.Conv2D(1, 3, strides=2, padding="same", **ONES), L.Conv2D(1, 3, strides=3, **ONES)),
    "dilated": lambda: chain((30, 1), *(L.Conv1D(1, 2, dilation_rate=2**n, padding="causal", **ONES) for n in range(4))),
    "holes": lambda: chain((30, 1), L.Conv1D(1, 3, dilation_rate=4, **ONES), L.BatchNormalization(), L.Activation("relu")),
    "padded": lambda: chain((12, 12, 1), L.ZeroPadding2D(((1, 2), (3, 0))), L.Conv2D(1, 4, **ONES), L.Cropping2D(1)),
    "volume": lambda: chain((8, 9, 7, 1), L.Conv3D(1, 2, strides=(2, 1, 1), **ONES), L.AveragePooling3D((1, 2, 2))),
    "separable": lambda: chain(
        (14, 14, 2),
        L.SeparableConv2D(2, 3, depthwise_initializer="ones", pointwise_initializer="ones"),
        L.DepthwiseConv2D(3, strides=2, depthwise_initializer="ones"),
        L.Dense(2, **ONES),
    ),
    "global": lambda: chain((9, 9, 1), L.Conv2D(1, 3, **ONES), L.GlobalAveragePooling2D()),
    "classifier": lambda: chain((9, 9, 1), L.Conv2D(1, 3, **ONES), L.Flatten(), L.Dropout(0.5), L.Dense(2, **ONES)),
    "spectral": lambda: chain(
        (15, 15, 1), *(layers.SpectralNormalization(L.Conv2D(1, 3, strides=2, **ONES)) for _ in range(2))
    ),
    "residual": residual,
    "nested": nested,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_field_is_the_set_of_inputs_with_a_gradient(name):
    model = MODELS[name]()
    spatial = model.inputs[0].shape[1:-1]
    x = np.random.default_rng(0).uniform(0.5, 1.0, (1, *spatial, model.inputs[0].shape[-1])).astype("float32")
    field = list(layers.receptive_field(model).values())[-1]
    output = model(x).shape[1:-1]
    ends = {tuple(0 for _ in output), tuple(n - 1 for n in output), tuple(n // 2 for n in output)}
    everything = name in ("global", "classifier")
    if everything:
        ends = {(0, 0)}
    covered = np.zeros(spatial, bool)
    for position in ends:

        def at(x, position=position):
            y = model(x, training=False)
            return ops.sum(y if everything else y[(0, *position)]), ()

        _, gradient = engine.value_and_grad(at)(ops.convert_to_tensor(x))
        seen = np.any(as_array(gradient)[0] != 0, axis=-1)
        expected = field.inputs(position, spatial)
        if "MaxPooling" in str([type(layer).__name__ for layer in model.layers]):
            assert not np.any(seen & ~expected)  # a maximum has a gradient at one position of its window
        else:
            np.testing.assert_array_equal(seen, expected)
        covered |= seen
    assert covered.any()


@pytest.mark.slow
def test_max_pooling_reaches_every_position_of_its_window():
    model, spatial = residual(), (17, 15)
    field = list(layers.receptive_field(model).values())[-1]
    position, union = (4, 3), np.zeros(spatial, bool)
    for seed in range(60):
        x = np.random.default_rng(seed).uniform(0.0, 1.0, (1, *spatial, 1)).astype("float32")
        _, gradient = engine.value_and_grad(lambda x: (ops.sum(model(x)[(0, *position)]), ()))(ops.convert_to_tensor(x))
        union |= np.any(as_array(gradient)[0] != 0, axis=-1)
    np.testing.assert_array_equal(union, field.inputs(position, spatial))


def test_by_hand():
    fields = layers.receptive_field(MODELS["lenet"]())
    sizes = [(field.size, field.stride, field.start) for field in fields.values()]
    assert sizes == [
        ((5, 5), (1, 1), (-2, -2)),
        ((6, 6), (2, 2), (-2, -2)),
        ((14, 14), (2, 2), (-2, -2)),
        ((16, 16), (4, 4), (-2, -2)),
    ]
    hole = next(iter(layers.receptive_field(MODELS["holes"]()).values()))
    assert hole.size == (9,)
    assert np.flatnonzero(hole.mask).tolist() == [0, 4, 8]


def test_upsampling_has_the_union_of_its_parts():
    # Output p repeats the mean of inputs 2 (p // 2) and the next one: p and p + 1, or p - 1 and p.
    model = chain((16, 1), L.AveragePooling1D(2), L.UpSampling1D(2))
    field = list(layers.receptive_field(model).values())[-1]
    assert (field.stride, field.start, field.mask.tolist()) == ((1,), (-1,), [True, True, True])
    seen = np.zeros(3, bool)
    for position in (6, 7):
        _, gradient = engine.value_and_grad(lambda x, p=position: (ops.sum(model(x)[0, p]), ()))(ops.ones((1, 16, 1)))
        seen |= as_array(gradient)[0, position - 1 : position + 2, 0] != 0
        assert not as_array(gradient)[0, [*range(position - 1), *range(position + 2, 16)]].any()
    assert seen.all()
    with raises(r"up: expected to enlarge a map of a stride divisible by \(2,\), received \(1,\)"):
        layers.receptive_field(chain((16, 1), L.UpSampling1D(2, name="up")))
    with raises("up: expected nearest interpolation, received bilinear"):
        layers.receptive_field(chain((16, 16, 1), L.UpSampling2D(2, interpolation="bilinear", name="up")))


def test_feature_maps():
    model = MODELS["lenet"]()
    x = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32")
    maps = layers.feature_maps(model, x)
    assert list(maps) == [layer.name for layer in model.layers]
    np.testing.assert_allclose(maps[model.layers[-1].name], as_array(model(x)), rtol=1e-6)
    name = model.layers[1].name
    only = layers.feature_maps(model, x, [name])
    np.testing.assert_array_equal(only[name], maps[name])
    with raises(["layers: expected names of", "received 'nothing'"]):
        layers.feature_maps(model, x, ["nothing"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chain((8, 8, 1), L.Conv2DTranspose(1, 2)), ["expected a layer with a window", "Conv2DTranspose"]),
        (lambda: chain((8,), L.Dense(2)), ["model: expected one input"]),
        (lambda: chain((None, 8, 1), L.Conv2D(1, 3, padding="same")), ["expected known spatial axes"]),
    ],
)
def test_what_has_no_window_is_refused(make, words):
    with raises(words):
        layers.receptive_field(make())
