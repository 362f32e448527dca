"""The pixels on which a unit's activation rests: gradient, deconvnet, guided backpropagation."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine
from lab.engine import private
from lab.engine.types import Tensor
from lab.visualize.units import layer_and_unit

RULES = ("gradient", "deconvnet", "guided")
UPPER_BOUNDS = {"relu": None, "relu6": 6.0}  # of the activations that are ReLUs, by name


def saliency(
    model: keras.Model,
    images: Tensor,
    *,
    layer: str | None = None,
    unit: int | Sequence[int] | None = None,
    rule: str = "gradient",
) -> np.ndarray:
    """What flows back from a unit to the pixels: an array of the shape of `images`.

    The rules differ in what a ReLU lets through on the way back:

        "gradient"    where its input was positive (Simonyan et al. 2014)
        "deconvnet"   where what comes back is positive (Zeiler and Fergus 2014, section 2.1)
        "guided"      where both are (Springenberg et al. 2015, section 3.4)

    Max-pooling sends back to the place of the maximum, as the deconvnet's switches do.
    Convolutions send back by their transposed filters.

    Args:
        model: a functional or sequential model. Its nonlinearities are ReLU layers or
            `activation="relu"`.
        images: `[N, H, W, C]` as the model takes them.
        layer: the name of a layer; None takes the output of the model.
        unit: a channel of the layer, or one for each image. None takes the channel with the
            greatest activation in each image. Of a map the greatest activation is followed.
        rule: "gradient", "deconvnet" or "guided".
    """
    if rule not in RULES:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, received {rule!r}.")
    images = ops.convert_to_tensor(images, dtype="float32")
    outputs, unit = layer_and_unit(model, layer, unit, images)
    part = keras.Model(model.inputs[0], outputs)
    if rule != "gradient":
        if not rectifies(model):
            raise ValueError(f"rule: expected 'gradient' for a model without ReLUs, received {rule!r}.")
        part = with_rule(part, rule)
    x = keras.Variable(images, dtype="float32", trainable=True)

    def activation():
        maps = part(x.value, training=False)
        active = ops.take_along_axis(maps, ops.reshape(unit, (-1, *(1,) * (len(maps.shape) - 1))), axis=-1)
        strongest = ops.max(ops.reshape(active, (active.shape[0], -1)), axis=1)
        return ops.sum(strongest), ()

    _, (gradient,) = engine.value_and_grad(activation, [x])()
    return ops.convert_to_numpy(gradient)


def rectifies(model: keras.Model) -> bool:
    """Whether a network has ReLUs. Without them the rules do not differ."""
    return any(
        isinstance(layer, keras.layers.ReLU) or getattr(getattr(layer, "activation", None), "__name__", "") in UPPER_BOUNDS
        for layer in private.flatten_layers(model)
    )


def with_rule(model: keras.Model, rule: str) -> keras.Model:
    """The same network, with shared weights, whose ReLUs send the gradient back by another rule."""

    def replaced(layer, *arguments, **options):
        if isinstance(layer, keras.Model):
            return with_rule(layer, rule)(*arguments)
        if isinstance(layer, keras.layers.ReLU):
            if layer.negative_slope or layer.threshold:
                raise ValueError(f"{layer.name}: expected a ReLU without slope and threshold for {rule!r}, received one with.")
            return _Rectified(rule, layer.max_value)(arguments[0])
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        if name not in UPPER_BOUNDS:
            return layer(*arguments, **options)
        x = arguments[0] if isinstance(layer, keras.layers.Activation) else _linear(layer)(*arguments, **options)
        return _Rectified(rule, UPPER_BOUNDS[name])(x)

    return rewired(model, replaced)


def rewired(model: keras.Model, call: Callable[..., Any]) -> keras.Model:
    """A model of the same layers, each called as `call(layer, inputs)`."""
    if isinstance(model, keras.Sequential):
        x = inputs = keras.Input(model.inputs[0].shape[1:])
        for layer in model.layers:
            x = call(layer, x)
        return keras.Model(inputs, x)
    return keras.models.clone_model(model, call_function=call, clone_function=lambda layer: layer)


def _linear(layer):
    """A layer with the same weights and without activation."""
    copy = type(layer).from_config(layer.get_config() | {"activation": None, "name": f"{layer.name}_linear"})
    copy.build(layer.input.shape)
    for mine, theirs in zip(copy.weights, layer.weights, strict=True):
        mine.assign(theirs)
    return copy


class _Rectified(keras.layers.Layer):
    """max(x, 0), bounded by `upper_bound`, with the gradient of "deconvnet" or "guided"."""

    def __init__(self, rule, upper_bound=None, **options):
        super().__init__(**options)
        self.rule = rule
        self.upper_bound = upper_bound

    def call(self, inputs):
        """The rectified inputs."""
        bound = self.upper_bound

        @ops.custom_gradient
        def rectified(x):
            def back(*arguments, upstream=None):
                above = arguments[0] if upstream is None else upstream
                passed = ops.maximum(above, 0.0)
                if self.rule == "guided":
                    active = x > 0 if bound is None else ops.logical_and(x > 0, x < bound)
                    passed = passed * ops.cast(active, passed.dtype)
                return (passed,) if keras.backend.backend() == "jax" else passed

            y = ops.maximum(x, 0.0)
            return (y if bound is None else ops.minimum(y, bound)), back

        return rectified(inputs)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape
