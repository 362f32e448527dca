"""The private symbols of Keras and TensorFlow that the laboratory needs, all in one place.

pyproject.toml bounds their versions from above. `missing` names the symbols that a new version no
longer has.

Of Keras:

- `Layer._flatten_layers`: the layers of a model, also those of models within it.
- `Operation._inbound_nodes`: with which tensors a layer, or a model inside of a model, was called.
- `Variable._value`, `Variable._direct_assign`: the tensor of a variable, past the scope in which a
  program runs.
- `Optimizer._trainable_variables`, `_variables`, `_get_variable_index`,
  `_check_variables_are_known`, `_backend_update_step`: optimizers with their own slots, and
  optimizers around another one.
- `keras.src.utils.module_utils.tensorflow._available`: whether Keras asks for TensorFlow when it
  saves a model on another backend, which costs two seconds.

Of TensorFlow:

- `backprop._default_vspace`, `pywrap_tfe.TFE_Py_RegisterVSpace`: the order in which the gradient
  tape adds.
- `random_ops_util.get_key_counter_alg`: the generator of random operations.
"""

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

KERAS = {
    "keras.layers.Layer": ("_flatten_layers", "_inbound_nodes"),
    "keras.Variable": ("_value", "_direct_assign"),
    "keras.optimizers.Optimizer": (
        "_trainable_variables",
        "_variables",
        "_get_variable_index",
        "_check_variables_are_known",
        "_backend_update_step",
    ),
}
TENSORFLOW = {
    "tensorflow.python.eager.backprop": ("_default_vspace", "_default_vspace.aggregate_fn"),
    "tensorflow.python.pywrap_tfe": ("TFE_Py_RegisterVSpace",),
    "tensorflow.python.ops.random_ops_util": ("get_key_counter_alg",),
}


def missing() -> list[str]:
    """The symbols that the installed versions lack, as dotted names."""
    optimizer = keras.optimizers.SGD()
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    objects: dict[str, Any] = {
        "keras.layers.Layer": keras.layers.Layer(),
        "keras.Variable": variable,
        "keras.optimizers.Optimizer": optimizer,
    }
    names = dict(KERAS)
    if keras.backend.backend() == "tensorflow":
        names |= TENSORFLOW
        objects |= {module: _module(module) for module in TENSORFLOW}
    return [f"{place}.{name}" for place, found in names.items() for name in found if not _has(objects[place], name)]


def flatten_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of a model: itself, those within it, and those within them."""
    return list(model._flatten_layers())


def symbolic_call(layer: keras.layers.Layer) -> tuple[list, list] | None:
    """(inputs, outputs) of the only symbolic call of a layer or a model, else None.

    `layer.input` of a model is its own input, not the tensor with which it was called.
    """
    nodes = layer._inbound_nodes
    if len(nodes) != 1:
        return None
    return list(nodes[0].input_tensors), list(nodes[0].output_tensors)


def inputs_of(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The symbolic tensors from which an operation made this one."""
    operation, node, _ = tensor._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def add_gradients_with(add: Callable[[Callable, list], Any]) -> None:
    """Makes TensorFlow's gradient tape add by `add(original, gradients)`.

    `original` is the function by which it would add itself.
    """
    backprop = _module("tensorflow.python.eager.backprop")
    wrapped = _module("tensorflow.python.pywrap_tfe")
    space = backprop._default_vspace
    backprop._default_vspace = space._replace(aggregate_fn=functools.partial(add, space.aggregate_fn))
    wrapped.TFE_Py_RegisterVSpace(backprop._default_vspace)


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keras does not import TensorFlow to see whether it is installed, on another backend."""
    module = getattr(_module("keras.src.utils.module_utils"), "tensorflow", None)
    if module is None or keras.backend.backend() == "tensorflow" or getattr(module, "_available", True) is not None:
        yield
        return
    module._available = False
    try:
        yield
    finally:
        module._available = None


@contextlib.contextmanager
def named_generator(algorithm: str) -> Iterator[None]:
    """TensorFlow's random operations use this generator if they leave the choice open."""
    module = _module("tensorflow.python.ops.random_ops_util")
    original = module.get_key_counter_alg
    module.get_key_counter_alg = lambda seed, alg: original(seed, algorithm if alg == "auto_select" else alg)
    try:
        yield
    finally:
        module.get_key_counter_alg = original


def _module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _has(place, name):
    for part in name.split("."):
        if not hasattr(place, part):
            return False
        place = getattr(place, part)
    return True
