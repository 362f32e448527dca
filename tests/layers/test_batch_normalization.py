"""Batch normalisation against Keras's: values, gradients, moving averages, and who computes."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine, layers
from tests.contracts import as_array, uniform

OPTIONS = {
    "usual": {},
    "others": {"epsilon": 1e-5, "momentum": 0.8},
    "no scale": {"scale": False},
    "no shift": {"center": False},
    "bfloat16": {"dtype": "mixed_bfloat16"},
    "bfloat16 alone": {"dtype": "bfloat16", "momentum": 0.9},
    "first axis of the features": {"axis": 1},
    "frozen": {"trainable": False},
}


def curve(layer, shape):
    """A differentiable function x -> (a scalar of the layer's outputs in training, the outputs)."""
    layer.build(shape)
    for weight in layer.trainable_weights:
        weight.assign(np.linspace(0.5, 2, weight.shape[0]))
    weights = ops.convert_to_tensor(uniform(1, *shape))

    def loss(x, **call):
        y = ops.cast(layer(x, training=True, **call), "float32")
        return ops.sum(weights * y * y), y

    return loss


def everything(kind, shape, options, **call):
    """The outputs, the gradient of a scalar of them, and then the layer's variables."""
    layer = kind(**options)
    loss = curve(layer, shape)
    for seed in range(5):
        layer(ops.convert_to_tensor(2 * uniform(seed, *shape) + 1), training=True, **call)
    (_, y), gradient = engine.value_and_grad(lambda x: loss(x, **call))(ops.convert_to_tensor(3 * uniform(0, *shape) + 1))
    return [as_array(value) for value in (y, gradient, *layer.variables)]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(8, 5, 4, 3), (16, 3), (4, 7, 3)])
def test_it_computes_what_keras_does(shape, options):
    if options == "first axis of the features" and len(shape) == 2:
        pytest.skip("there is only one axis of features")
    ours, theirs = (
        everything(kind, shape, OPTIONS[options]) for kind in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4 if "bfloat16" in options else 1e-5)


@pytest.mark.parametrize("shape", [(8, 5, 4, 3), (16, 3)])
def test_the_second_derivative_is_that_of_the_first(shape):
    """A gradient penalty needs it.

    Keras's own is wrong by a few percent on TensorFlow, where the moments treat the mean inside the
    variance as a constant.
    """
    gradient = engine.value_and_grad(curve(layers.BatchNormalization(), shape))
    x, direction = 3 * uniform(0, *shape) + 1, uniform(2, *shape)

    def bend(x):
        return ops.sum(ops.sin(gradient(x)[1])), ()

    _, second = engine.value_and_grad(bend)(ops.convert_to_tensor(x))
    step = 0.01 * direction
    difference = (
        as_array(bend(ops.convert_to_tensor(x + step))[0]) - as_array(bend(ops.convert_to_tensor(x - step))[0])
    ) / 0.02
    np.testing.assert_allclose(np.sum(as_array(second) * direction), difference, rtol=5e-3)


def test_a_mask_is_respected():
    mask = ops.convert_to_tensor(np.array([[1, 1, 0], [1, 0, 0]], bool))
    ours, theirs = (
        everything(kind, (2, 3, 4), {}, mask=mask) for kind in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the kernel is TensorFlow's")
def test_the_kernel_is_used_where_it_can_be():
    import tensorflow as tf

    def operations(layer, shape):
        layer.build(shape)
        function = tf.function(lambda x: layer(x, training=True)).get_concrete_function(tf.TensorSpec(shape, tf.float32))
        return {operation.type for operation in function.graph.get_operations()}

    assert "FusedBatchNormV3" in operations(layers.BatchNormalization(), (4, 5, 5, 3))
    assert "FusedBatchNormV3" in operations(layers.BatchNormalization(), (4, 3))
    assert "FusedBatchNormV3" not in operations(layers.BatchNormalization(axis=1), (4, 5, 5, 3))
