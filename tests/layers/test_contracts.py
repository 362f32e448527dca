"""The contract of every layer of the library."""

import keras
import numpy as np
import pytest

from lab import layers
from tests.contracts import as_array, check_layer, check_precision, uniform

pytestmark = pytest.mark.usefixtures("module_graphs")

VECTORS = uniform(0, 8, 6)
SEQUENCES = uniform(1, 8, 7, 4)
PICTURES = uniform(2, 8, 6, 6, 4)
VOLUMES = uniform(3, 4, 4, 4, 4, 2)
LABELS = np.arange(8, dtype="int32") % 3
STARTS = np.arange(56).reshape(8, 7) % 5 == 0
CELL = {"slots": 5, "width": 3, "read_heads": 2}
ONE_HOT = np.eye(3, dtype="float32")[np.arange(56).reshape(8, 7) % 3]
# name: (a function that makes the layer, its inputs, options of the check)
LAYERS = {
    "MirrorPadding1D": (lambda **o: layers.MirrorPadding1D(((2, 1),), **o), [SEQUENCES], {}),
    "MirrorPadding2D": (lambda **o: layers.MirrorPadding2D(((1, 2), (0, 3)), "symmetric", **o), [PICTURES], {}),
    "MirrorPadding3D": (lambda **o: layers.MirrorPadding3D((1, 2, 3), **o), [VOLUMES], {}),
    "Convolution1D": (lambda **o: layers.Convolution1D(3, 3, strides=2, **o), [SEQUENCES], {}),
    "Convolution2D": (lambda **o: layers.Convolution2D(3, (3, 2), padding="same", activation="tanh", **o), [PICTURES], {}),
    "Convolution3D": (lambda **o: layers.Convolution3D(2, 2, **o), [VOLUMES], {}),
    "PixelNormalization": (lambda **o: layers.PixelNormalization(**o), [PICTURES], {"masking": True}),
    "InstanceNormalization": (lambda **o: layers.InstanceNormalization(**o), [PICTURES], {}),
    "InstanceNormalization alone": (lambda **o: layers.InstanceNormalization(scale=False, center=False, **o), [SEQUENCES], {}),
    "AdaptiveInstanceNormalization": (lambda **o: layers.AdaptiveInstanceNormalization(**o), [PICTURES, VECTORS], {}),
    "ConditionalBatchNormalization": (lambda **o: layers.ConditionalBatchNormalization(3, **o), [PICTURES, LABELS], {}),
    "MinibatchStandardDeviation": (lambda **o: layers.MinibatchStandardDeviation(4, 2, **o), [PICTURES], {}),
    "EqualizedDense": (lambda **o: layers.EqualizedDense(3, **o), [VECTORS], {}),
    "EqualizedConv2D": (lambda **o: layers.EqualizedConv2D(3, 3, gain=1.0, **o), [PICTURES], {}),
    "SelfAttention2D": (lambda **o: layers.SelfAttention2D(2, **o), [PICTURES], {"learns": False}),  # gamma 0 hides the rest
    "ProjectionHead": (lambda **o: layers.ProjectionHead(3, **o), [VECTORS, LABELS], {}),
    "ObservationPart": (lambda **o: layers.ObservationPart(1, (2, 2), **o), [VECTORS], {}),
    "MaskedActions": (lambda **o: layers.MaskedActions(**o), [VECTORS, (VECTORS > -0.5).astype("float32")], {}),
    "Maxout": (lambda **o: layers.Maxout(3, 4, **o), [VECTORS], {"masking": True}),
    "LearntMap": (lambda **o: layers.LearntMap(4, 6, **o), [VECTORS], {}),
    "NoisyDense": (lambda **o: layers.NoisyDense(3, activation="relu", **o), [VECTORS], {"masking": True}),
    "DuelingHead": (lambda **o: layers.DuelingHead(3, **o), [VECTORS], {}),
    "QuantileHead": (lambda **o: layers.QuantileHead(3, 5, **o), [VECTORS], {}),
    "CategoricalValueHead": (lambda **o: layers.CategoricalValueHead(3, 5, **o), [VECTORS], {}),
    "GaussianHead": (lambda **o: layers.GaussianHead(3, **o), [VECTORS], {}),
    "GaussianHead independent": (lambda **o: layers.GaussianHead(3, state_dependent=False, **o), [VECTORS], {}),
    "GSDEHead": (lambda **o: layers.GSDEHead(3, **o), [VECTORS], {}),
    "RunningNormalization of sequences": (lambda **o: layers.RunningNormalization(feature_axes=1, **o), [SEQUENCES], {}),
    "RunningNormalization": (lambda **o: layers.RunningNormalization(**o), [VECTORS], {}),
    "SpectralNormalization Dense": (
        lambda **o: layers.SpectralNormalization(keras.layers.Dense(3, dtype=o.get("dtype")), **o),
        [VECTORS],
        {},
    ),
    "SpectralNormalization Conv2D": (
        lambda **o: layers.SpectralNormalization(keras.layers.Conv2D(3, 3, dtype=o.get("dtype")), 2, **o),
        [PICTURES],
        {},
    ),
    "LocalResponseNormalization": (
        lambda **o: layers.LocalResponseNormalization(3, alpha=0.1, **o),
        [PICTURES],
        {"masking": True},
    ),
    "BatchNormalization": (lambda **o: layers.BatchNormalization(**o), [PICTURES], {}),
    "Subsampling2D": (lambda **o: layers.Subsampling2D(2, **o), [PICTURES], {}),
    "TableConvolution2D": (
        lambda **o: layers.TableConvolution2D([[1, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]], 3, **o),
        [PICTURES],
        {},
    ),
    "PeepholeLSTMCell": (lambda **o: keras.layers.RNN(layers.PeepholeLSTMCell(5, dtype=o.get("dtype")), **o), [SEQUENCES], {}),
    "LayerNormLSTMCell": (
        lambda **o: keras.layers.RNN(layers.LayerNormLSTMCell(5, dtype=o.get("dtype")), **o),
        [SEQUENCES],
        {},
    ),
    "LayerNormGRUCell": (lambda **o: keras.layers.RNN(layers.LayerNormGRUCell(5, dtype=o.get("dtype")), **o), [SEQUENCES], {}),
    "NTMCell": (
        lambda **o: keras.layers.RNN(
            layers.NTMCell(3, keras.layers.Dense(5, dtype=o.get("dtype")), dtype=o.get("dtype"), **CELL), **o
        ),
        [SEQUENCES],
        {},
    ),
    "DNCCell": (
        lambda **o: keras.layers.RNN(
            layers.DNCCell(
                3, keras.layers.Dense(5, dtype=o.get("dtype")), masked=True, sharpened=True, dtype=o.get("dtype"), **CELL
            ),
            **o,
        ),
        [SEQUENCES],
        {},
    ),
    "LRUACell": (
        lambda **o: keras.layers.RNN(
            layers.LRUACell(3, keras.layers.Dense(5, dtype=o.get("dtype")), dtype=o.get("dtype"), **CELL), **o
        ),
        [SEQUENCES],
        {},
    ),
    "CausalSelfAttention": (lambda **o: layers.CausalSelfAttention(2, **o), [SEQUENCES], {}),
    "RunningPrototypes": (lambda **o: layers.RunningPrototypes(**o), [SEQUENCES, np.roll(ONE_HOT, 1, axis=1)], {}),
    "LearntPositions": (lambda **o: layers.LearntPositions(7, **o), [SEQUENCES], {}),
    "ResettableRNN": (
        lambda **o: layers.ResettableRNN(layers.PeepholeLSTMCell(5, dtype=o.get("dtype")), return_state=True, **o),
        [SEQUENCES, STARTS],
        {},
    ),
    "ResettableRNN of a stack": (
        lambda **o: layers.ResettableRNN(
            keras.layers.StackedRNNCells(
                [cell(4, dtype=o.get("dtype")) for cell in (keras.layers.LSTMCell, keras.layers.GRUCell)]
            ),
            **o,
        ),
        [SEQUENCES, STARTS],
        {"policies": ("mixed_float16",)},  # Keras's orthogonal initializer has no bfloat16
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_contract(name):
    make, inputs, options = LAYERS[name]
    check_layer(make, *inputs, **options)


STACK = keras.layers.StackedRNNCells
WRAPPERS = {  # wrappers whose inner layer has its own dtype policy
    "SpectralNormalization Dense": (
        lambda inner, **o: layers.SpectralNormalization(keras.layers.Dense(3, dtype=inner), **o),
        [VECTORS],
    ),
    "SpectralNormalization Conv2D": (
        lambda inner, **o: layers.SpectralNormalization(keras.layers.Conv2D(3, 3, dtype=inner), **o),
        [PICTURES],
    ),
    "ResettableRNN LSTM": (
        lambda inner, **o: layers.ResettableRNN(keras.layers.LSTMCell(5, dtype=inner), return_state=True, **o),
        [SEQUENCES, STARTS],
    ),
    "ResettableRNN of a stack": (
        lambda inner, **o: layers.ResettableRNN(STACK([keras.layers.GRUCell(4, dtype=inner), layers.PeepholeLSTMCell(3)]), **o),
        [SEQUENCES, STARTS],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize(("inner", "outer"), [("float32", "mixed_float16"), ("mixed_float16", "float32")])
def test_a_wrapper_returns_its_own_dtype(name, inner, outer):
    make, inputs = WRAPPERS[name]
    layer = check_precision(lambda **options: make(inner, **options), inputs, outer)
    if "ResettableRNN" in name and getattr(layer, "return_state", False):  # its states can be passed back
        output, *states = layer(inputs)
        assert layer(inputs, initial_state=states)[0].dtype == output.dtype


def test_seeds_are_part_of_configurations():
    seeded = set()
    for name, (make, inputs, _) in LAYERS.items():
        try:
            layer = make(seed=3)
        except (TypeError, ValueError):  # it has no seed
            continue
        given = inputs[0] if len(inputs) == 1 else inputs
        again = type(layer).from_config(layer.get_config())
        np.testing.assert_array_equal(as_array(again(given)), as_array(layer(given)), err_msg=name)
        seeded.add(name)
    assert seeded >= {"EqualizedDense", "EqualizedConv2D", "LearntMap", "NoisyDense"}


def test_every_layer_is_here():
    components = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    checked = {name.split()[0] for name in LAYERS}
    assert components - checked == {"PReLU", "ReceptiveField"}  # Keras's own, and not a layer
