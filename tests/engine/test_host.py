from functools import partial

import keras
import numpy as np
import pytest

from lab import engine, layers
from lab.engine.host import ACTIVATIONS, CompiledForward

RNG = np.random.default_rng(0)


def compiled(model, x):
    return keras.tree.map_structure(np.asarray, engine.compile(lambda x: model(x), model.variables)(x))


def assert_equal(ours, theirs):
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=1e-6 * max(1.0, np.abs(b).max()), rtol=0)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_equals_the_compiled_forward_pass(activation):
    model = keras.Sequential(
        [
            keras.Input((3, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation, bias_initializer="normal"),
            keras.layers.Dense(5),
        ]
    )
    forward = engine.host_forward(model)
    assert isinstance(forward, engine.HostForward)
    x = RNG.normal(size=(7, 3, 2)).astype("float32")
    assert_equal(forward(x), compiled(model, x))
    assert_equal(forward(x), forward(x))  # nothing is changed in place


def relu(x):
    return 2 * x


@pytest.mark.parametrize("layer", [keras.layers.Activation, partial(keras.layers.Dense, 3)])
@pytest.mark.parametrize(
    "activation", [keras.layers.LeakyReLU(0.1), partial(keras.activations.leaky_relu, negative_slope=0.1), relu]
)
def test_activations_without_a_name_or_with_anothers_use_one_compiled_call(activation, layer):
    model = keras.Sequential([keras.Input((4,)), layer(activation)])
    forward = engine.host_forward(model)
    assert isinstance(forward, CompiledForward)
    x = RNG.normal(size=(5, 4)).astype("float32")
    assert_equal(forward(x), compiled(model, x))


def test_a_functional_model_with_two_heads():
    x = inputs = keras.Input((4,))
    x = keras.layers.Dense(16, "tanh")(x)
    side = keras.layers.Activation("relu")(keras.layers.Dense(16)(inputs))
    both = keras.layers.Concatenate()([keras.layers.Add()([x, side]), side])
    model = keras.Model(inputs, [keras.layers.Dense(2, use_bias=False)(both), keras.layers.Dense(1)(side)])
    forward = engine.host_forward(model)
    assert isinstance(forward, engine.HostForward)
    x = RNG.normal(size=(5, 4)).astype("float32")
    assert_equal(forward(x), compiled(model, x))


HEADS = {
    "state-dependent standard deviation": lambda: layers.GaussianHead(2),
    "learnt standard deviation": lambda: layers.GaussianHead(2, state_dependent=False, initial_log_scale=-0.5),
    "standard deviation at its limits": lambda: layers.GaussianHead(2, limits=(-0.01, 0.01)),
    "state-dependent noise": lambda: layers.GSDEHead(2, initial_log_scale=-0.5),
}


@pytest.mark.parametrize("name", HEADS)
def test_layers_that_bring_a_function_of_their_own(name):
    inputs = keras.Input((4,))
    normalization, head = layers.RunningNormalization(clip=1.0), HEADS[name]()
    model = keras.Model(inputs, head(keras.layers.Dense(8, "tanh")(normalization(inputs))))
    forward = engine.host_forward(model)
    assert isinstance(forward, engine.HostForward)
    for _ in range(2):  # at the start and after everything has changed
        x = 3 * RNG.normal(size=(6, 4)).astype("float32")
        assert_equal(forward.refresh()(x), list(compiled(model, x)))
        normalization.update(5 + 2 * RNG.normal(size=(20, 4)))
        for variable in head.trainable_variables:
            variable.assign(np.asarray(variable) + 0.3 * RNG.normal(size=variable.shape))


def test_a_normalisation_without_limits():
    layer = layers.RunningNormalization(clip=None)
    model = keras.Sequential([keras.Input((3, 2)), layer])
    layer.update(RNG.normal(size=(50, 3, 2)))
    x = 100 * RNG.normal(size=(4, 3, 2)).astype("float32")
    forward = engine.host_forward(model)
    assert isinstance(forward, engine.HostForward)
    assert_equal(forward(x), compiled(model, x))


def test_refresh_takes_the_new_weights_and_only_refresh_does():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    forward = engine.host_forward(model)
    x = RNG.normal(size=(1, 4)).astype("float32")
    before = forward(x)
    model.layers[-1].kernel.assign(model.layers[-1].kernel.value * 2)
    np.testing.assert_array_equal(forward(x), before)
    forward.refresh()
    assert_equal(forward(x), compiled(model, x))
    assert not np.allclose(forward(x), before)


def test_other_models_use_one_compiled_call():
    image = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(2)])
    normalized = keras.Sequential([keras.Input((4,)), keras.layers.LayerNormalization(), keras.layers.Dense(2)])
    layer = keras.layers.Dense(4)
    inputs = keras.Input((4,))
    shared = keras.Model(inputs, layer(layer(inputs)))
    for model, shape in ((image, (3, 8, 8, 1)), (normalized, (3, 4)), (shared, (3, 4))):
        forward = engine.host_forward(model)
        assert isinstance(forward, CompiledForward)
        x = RNG.normal(size=shape).astype("float32")
        assert_equal(forward.refresh()(x), compiled(model, x))


def test_a_model_inside_of_a_model_and_masks_of_actions():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(4)])
    heads = keras.Input((3,))
    two = keras.Model(heads, [keras.layers.Dense(2)(heads), keras.layers.Dense(1)(heads)])
    inputs = keras.Input((7,))
    features = layers.ObservationPart(0, (3,))(inputs)
    masked = layers.MaskedActions()([inner(features), layers.ObservationPart(3, (4,))(inputs)])
    model = keras.Model(inputs, [masked, *two(features)])
    forward = engine.host_forward(model)
    assert isinstance(forward, engine.HostForward)
    x = np.concatenate([RNG.normal(size=(6, 3)), RNG.integers(2, size=(6, 4))], axis=1).astype("float32")
    assert_equal(forward(x), compiled(model, x))
    inner.layers[-1].bias.assign(np.ones(4))
    forward.refresh()
    assert_equal(forward(x), compiled(model, x))


def test_a_model_that_is_called_twice_inside_uses_one_compiled_call():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    inputs = keras.Input((3,))
    assert isinstance(engine.host_forward(keras.Model(inputs, inner(inner(inputs)))), CompiledForward)
