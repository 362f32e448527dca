"""The forward pass of a small dense Keras model in NumPy, for host environments that need one action per step."""

import keras
import numpy as np


def _softmax(x):
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0, out=x),
    "tanh": lambda x: np.tanh(x, out=x),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, np.float32(0.0)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "softmax": _softmax,
}


def host_forward(model):
    """The greedy forward pass of `model` on arrays: in NumPy where the model is small and dense, else one compiled call.

    NumPy covers built Sequential and Functional models of Dense, Flatten, Concatenate, Add and Activation layers in float32
    whose activations are Keras's of `ACTIVATIONS`, and of layers that bring a `host_function()` of their own, each called once,
    with one output or several. None of them draws noise, whether in training or not. Equal to the compiled forward pass to 1e-6
    of the largest output.

    Either way the result has `refresh()`, to be called when the weights have changed.
    """
    shape = getattr(model, "output_shape", None)
    if not getattr(model, "inputs", None) or len(model.inputs) != 1 or isinstance(shape, dict):
        return _compiled(model)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    steps = [_step(layer) for layer in layers]
    if None in steps:
        return _compiled(model)
    try:
        return HostForward(model, steps)
    except KeyError:  # a layer that is called more than once has outputs that its `output` does not name
        return _compiled(model)


def _compiled(model):
    return CompiledForward(lambda observation: model(observation, training=False), model.variables)


class CompiledForward:
    """The face of `HostForward` for models that it does not cover: one compiled call, always over the present weights.

    Args:
        forward: a program, observation `[B, ...]` -> outputs.
        variables: its state.
    """

    def __init__(self, forward, variables):
        from lab import engine

        self._program = engine.compile(forward, variables)

    def refresh(self):
        """Nothing to copy."""
        return self

    def __call__(self, observation):
        """Observation `[B, ...]` -> output as an array."""
        return keras.tree.map_structure(keras.ops.convert_to_numpy, self._program(observation))


class HostForward:
    """A snapshot of a model's weights and the NumPy function over them; `refresh()` takes a new snapshot.

    Call: observation `[B, ...]` of any real dtype -> output `[B, units]` float32 (a list where the model has several).
    """

    def __init__(self, model, steps):
        slots = {id(model.inputs[0]): 0}
        self._steps = []
        for make, layer in steps:
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            for tensor in keras.tree.flatten(layer.output):
                slots[id(tensor)] = len(slots)
            self._steps.append((make, [slots[id(tensor)] for tensor in inputs]))
        outputs = [slots[id(tensor)] for tensor in model.outputs]
        self._outputs = outputs if len(outputs) > 1 else outputs[0]
        self.refresh()

    def refresh(self):
        """Copies the model's current weights."""
        self._functions = [(make(), inputs) for make, inputs in self._steps]
        return self

    def __call__(self, observation):
        """Observation `[B, ...]` -> output `[B, units]`."""
        values = [np.asarray(observation, np.float32)]
        for function, inputs in self._functions:
            result = function(*[values[slot] for slot in inputs])
            values.extend(result) if isinstance(result, tuple) else values.append(result)
        if isinstance(self._outputs, list):
            return [values[slot] for slot in self._outputs]
        return values[self._outputs]


def _step(layer):
    """(how to make the layer's NumPy function from its present weights, the layer), or `None`."""
    try:
        layer.input, layer.output  # noqa: B018  a layer that is shared or never called has none
    except (AttributeError, ValueError):
        return None
    if layer.compute_dtype != "float32":
        return None
    if hasattr(layer, "host_function"):
        return layer.host_function, layer
    kind, activation = type(layer), _in_numpy(getattr(layer, "activation", None))
    if kind is keras.layers.Dense and activation and not getattr(layer, "lora_enabled", False):
        return (lambda: _dense(layer, activation)), layer
    if kind is keras.layers.Activation and activation:
        return (lambda: lambda x: activation(x.copy())), layer
    if kind is keras.layers.Flatten:
        return (lambda: lambda x: x.reshape(len(x), -1)), layer
    if kind is keras.layers.Concatenate and layer.axis == -1:
        return (lambda: lambda *xs: np.concatenate(xs, axis=-1)), layer
    if kind is keras.layers.Add:
        return (lambda: lambda *xs: sum(xs[1:], xs[0])), layer
    return None


def _in_numpy(activation):
    """Keras's activation in NumPy, or `None`; known by itself, for another function may bear its name."""
    return next((ours for name, ours in ACTIVATIONS.items() if activation is keras.activations.get(name)), None)


def _dense(layer, activation):
    from lab import engine

    kernel = engine.read(layer.kernel)
    if layer.bias is None:
        return lambda x: activation(x @ kernel)
    bias = engine.read(layer.bias)

    def forward(x):
        y = x @ kernel
        y += bias
        return activation(y)

    return forward
