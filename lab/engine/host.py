"""The forward pass of a small dense Keras model in NumPy.

For environments on the host, which need one action per step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from lab.engine import private


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


def host_forward(model: keras.Model) -> "HostForward | CompiledForward":
    """The greedy forward pass of `model` on arrays: in NumPy if possible, else one compiled call.

    NumPy covers built Sequential and Functional models in float32, with one input and one output or
    several. Each layer must be called once, and be one of these:

    - Dense, Flatten, Concatenate, Add or Activation, with an activation of `ACTIVATIONS`;
    - a model that is covered itself;
    - a layer that has a method `host_function()`.

    None of them draws noise, in training or not. The outputs differ from those of the compiled
    forward pass by at most 1e-6 of the largest output.

    Call `refresh()` of the result when the weights have changed.
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
    except KeyError:  # a layer that is called more than once: its `output` names only one of its outputs
        return _compiled(model)


def _compiled(model):
    return CompiledForward(lambda observation: model(observation, training=False), model.variables)


class CompiledForward:
    """Has the methods of `HostForward`, for a model that it does not cover.

    Each call is one compiled call. It always uses the present weights.

    Args:
        forward: a program, observation `[B, ...]` -> outputs.
        variables: the state of the program.
    """

    def __init__(self, forward: Callable[..., Any], variables: Sequence[keras.Variable]) -> None:
        from lab import engine

        self._program = engine.compile(forward, variables)

    def refresh(self) -> "CompiledForward":
        """There is nothing to copy."""
        return self

    def __call__(self, observation: np.typing.ArrayLike) -> Any:
        """Observation `[B, ...]` -> output as an array."""
        return keras.tree.map_structure(keras.ops.convert_to_numpy, self._program(observation))


class HostForward:
    """A snapshot of the weights of a model, and the NumPy function over them.

    `refresh()` takes a new snapshot.

    Call: observation `[B, ...]` of any real dtype -> output `[B, units]` float32. A model with
    several outputs gives a list of them.
    """

    def __init__(self, model: keras.Model, steps: Sequence[Any]) -> None:
        slots = {id(model.inputs[0]): 0}
        self._steps: list = []
        for make, layer in steps:
            inputs, outputs = private.symbolic_call(layer) or ([], [])
            if not outputs:  # called several times: its tensors here are not known
                raise KeyError(layer.name)
            for tensor in outputs:
                slots[id(tensor)] = len(slots)
            self._steps.append((make, [slots[id(tensor)] for tensor in inputs]))
        outputs = [slots[id(tensor)] for tensor in model.outputs]
        self._outputs = outputs if len(outputs) > 1 else outputs[0]
        self.refresh()

    def refresh(self) -> "HostForward":
        """Copies the present weights of the model."""
        self._functions = [(make(), inputs) for make, inputs in self._steps]
        return self

    def __call__(self, observation: np.typing.ArrayLike) -> Any:
        """Observation `[B, ...]` -> output `[B, units]`."""
        values = [np.asarray(observation, np.float32)]
        for function, inputs in self._functions:
            result = function(*[values[slot] for slot in inputs])
            values.extend(result) if isinstance(result, tuple) else values.append(result)
        if isinstance(self._outputs, list):
            return [values[slot] for slot in self._outputs]
        return values[self._outputs]


def _step(layer):
    """(function that makes the layer's NumPy function from its weights, layer), or None."""
    try:
        layer.input, layer.output  # noqa: B018  a layer that is shared or never called has none
    except (AttributeError, ValueError):
        return None
    if layer.compute_dtype != "float32":
        return None
    if isinstance(layer, keras.Model):
        inner = host_forward(layer)
        return ((lambda: _several(inner.refresh())), layer) if isinstance(inner, HostForward) else None
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


def _several(forward):
    """A nested model's function, whose outputs, if several, are a tuple."""

    def call(x):
        result = forward(x)
        return tuple(result) if isinstance(result, list) else result

    return call


def _in_numpy(activation):
    """An activation of Keras in NumPy, or None. Compared by identity: names are not unique."""
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
