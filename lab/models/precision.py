"""Mixed precision for a network that is built already."""

import typing
import warnings

import keras

from lab import validation
from lab.engine import precision as machine
from lab.engine import private
from lab.engine.types import Tensor
from lab.layers import CausalSelfAttention, Maxout

# The layers that multiply by matrices or by filters. CausalSelfAttention has a float32 softmax.
MULTIPLYING = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    CausalSelfAttention,
    Maxout,
)


def set_precision(model: keras.Model, precision: machine.Precision) -> machine.Precision:
    """Lets the convolutions and dense layers of a built model compute in bfloat16, in place.

    These get the dtype policy "mixed_bfloat16": they cast inputs and weights to bfloat16, and their
    outputs are bfloat16. Everything else stays float32:

    - variables, and with them optimizers and moving averages
    - normalisations, activations of their own, sums, softmax, pooling
    - the last layers with weights before each output, and so the outputs
    - recurrent layers with their cells, whose state adds up over steps. On a CPU with AMX an LSTM
      of 128 units would be slower in bfloat16.

    Models and wrappers inside the model are changed too. A spectral norm is computed in float32.

    "float32" changes nothing: a layer that was made under another policy keeps it. So
    "mixed_bfloat16" changes only layers whose policy is "float32". A `.keras` file has the
    policies, except those of layers that another layer makes for itself, which are float32 again
    when they are loaded. Call this before a program of the model is compiled.

    Args:
        model: functional or sequential, with outputs of known shape.
        precision: "float32", "mixed_bfloat16" or "auto"; see `lab.engine.precision.chosen`.

    Returns:
        The precision, with what was chosen in place of "auto".

    Raises:
        ValueError: there is no such precision, or the model has no symbolic outputs.
    """
    validation.require_name("precision", precision, typing.get_args(machine.Precision))
    precision = machine.chosen(precision, keras.backend.backend())
    if precision == "float32":
        return precision
    if not getattr(model, "outputs", None):
        raise ValueError(f"model: expected a functional or sequential one, built, received {type(model).__name__}.")
    if machine.is_slow(precision):
        warnings.warn(
            "precision: mixed_bfloat16 is many times slower than float32 on a processor without amx_bf16.", stacklevel=2
        )
    layers = private.flatten_layers(model)
    whole = [layer for layer in layers if isinstance(layer, keras.layers.RNN)]
    whole += [layer for output in model.outputs for layer in _makers(output, set())]
    kept = {id(inner) for layer in whole for inner in private.flatten_layers(layer)}
    for layer in layers:
        if id(layer) not in kept and _can_change(layer):
            layer.dtype_policy = "mixed_bfloat16"
    return precision


def _can_change(layer):
    """Whether a layer multiplies, in float32, and has no softmax of its own."""
    function = getattr(getattr(layer, "activation", None), "__name__", "")
    return isinstance(layer, MULTIPLYING) and layer.dtype_policy.name == "float32" and "softmax" not in function


def _makers(output: Tensor, seen: set[int]) -> list[keras.layers.Layer]:
    """The last layers with weights before a symbolic tensor. `seen` has the tensors of before."""
    if id(output) in seen:
        return []
    seen.add(id(output))
    operation, _, place = output._keras_history
    if isinstance(operation, keras.Model):
        return _makers(operation.outputs[place], seen)
    if isinstance(operation, keras.layers.Layer) and operation.weights:
        return [operation]
    return [layer for each in private.inputs_of(output) for layer in _makers(each, seen)]
