"""Which pixels a unit's activity rests on: the gradient, the deconvnet and guided backpropagation."""

import keras
from keras import ops

from lab import engine
from lab.engine import private
from lab.visualize.units import layer_and_unit

RULES = ("gradient", "deconvnet", "guided")
MOST = {"relu": None, "relu6": 6.0}  # activations by name, and where they end


def saliency(model, images, *, layer=None, unit=None, rule="gradient"):
    """What flows back from a unit to the pixels: an array like `images`.

    The rules differ in what a ReLU lets through on the way back. "gradient" (Simonyan et al. 2014) passes where its input was positive,
    "deconvnet" (Zeiler and Fergus 2014, section 2.1) where what comes back is positive, "guided" (Springenberg et al. 2015, section 3.4) where
    both are. Max-pooling sends back to the place of the maximum, which are the deconvnet's switches, convolutions by their transposed filters.

    Args:
        model: a functional or sequential model, whose nonlinearities are ReLU layers or `activation="relu"`.
        images: `[N, H, W, C]` as the model takes them.
        layer: a layer's name; None takes the model's output.
        unit: which of its channels; of maps the greatest activation of each image is followed. None takes each image's greatest.
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

    def excitation():
        maps = part(x.value, training=False)
        active = ops.take_along_axis(maps, ops.reshape(unit, (-1, *(1,) * (len(maps.shape) - 1))), axis=-1)
        strongest = ops.max(ops.reshape(active, (active.shape[0], -1)), axis=1)
        return ops.sum(strongest), ()

    _, (gradient,) = engine.value_and_grad(excitation, [x])()
    return ops.convert_to_numpy(gradient)


def rectifies(model):
    """Whether there are ReLUs in a network, by which the rules differ."""
    return any(
        isinstance(layer, keras.layers.ReLU) or getattr(getattr(layer, "activation", None), "__name__", "") in MOST
        for layer in private.flatten_layers(model)
    )


def with_rule(model, rule):
    """The same network, its weights shared, whose ReLUs let the gradient through by another rule."""

    def replaced(layer, *arguments, **options):
        if isinstance(layer, keras.Model):
            return with_rule(layer, rule)(*arguments)
        if isinstance(layer, keras.layers.ReLU):
            if layer.negative_slope or layer.threshold:
                raise ValueError(f"{layer.name}: expected a ReLU without slope and threshold for {rule!r}, received one with.")
            return _Rectified(rule, layer.max_value)(arguments[0])
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        if name not in MOST:
            return layer(*arguments, **options)
        x = arguments[0] if isinstance(layer, keras.layers.Activation) else _linear(layer)(*arguments, **options)
        return _Rectified(rule, MOST[name])(x)

    return rewired(model, replaced)


def rewired(model, call):
    """A model of the same layers, called by `call(layer, ...)`."""
    if isinstance(model, keras.Sequential):
        x = inputs = keras.Input(model.inputs[0].shape[1:])
        for layer in model.layers:
            x = call(layer, x)
        return keras.Model(inputs, x)
    return keras.models.clone_model(model, call_function=call, clone_function=lambda layer: layer)


def _linear(layer):
    """A layer with the same weights and no activation."""
    copy = type(layer).from_config(layer.get_config() | {"activation": None, "name": f"{layer.name}_linear"})
    copy.build(layer.input.shape)
    for mine, theirs in zip(copy.weights, layer.weights, strict=True):
        mine.assign(theirs)
    return copy


class _Rectified(keras.layers.Layer):
    """max(x, 0), at most `most`, whose gradient follows "deconvnet" or "guided"."""

    def __init__(self, rule, most=None, **options):
        super().__init__(**options)
        self.rule, self.most = rule, most

    def call(self, inputs):
        """The rectified inputs."""

        @ops.custom_gradient
        def rectified(x):
            def back(*arguments, upstream=None):
                above = arguments[0] if upstream is None else upstream
                passed = ops.maximum(above, 0.0)
                if self.rule == "guided":
                    open_ = x > 0 if self.most is None else ops.logical_and(x > 0, x < self.most)
                    passed = passed * ops.cast(open_, passed.dtype)
                return (passed,) if keras.backend.backend() == "jax" else passed

            y = ops.maximum(x, 0.0)
            return (y if self.most is None else ops.minimum(y, self.most)), back

        return rectified(inputs)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape
