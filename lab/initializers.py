"""Initial weights: Keras's initializers with their papers, and two that Keras does not have.

fan_in is the number of inputs of a unit, fan_out that of its outputs. The distributions are uniform
in [-a, a] or truncated normal, with the variance of the table:

| initializer | variance | source |
|---|---|---|
| GlorotUniform, GlorotNormal | 2 / (fan_in + fan_out) | Glorot and Bengio 2010, eq. 16 |
| HeUniform, HeNormal | 2 / fan_in | He et al. 2015, eq. 10 |
| LecunUniform, LecunNormal | 1 / fan_in | LeCun et al. 1998, "Efficient BackProp" |
| Orthogonal(gain) | W^T W = gain^2 I | Saxe et al. 2014 |
| GateBias | biases of a GRU or LSTM, from a time scale | Tallec and Ollivier 2018, eq. 16 |
| layer_sequential_unit_variance | 1 for each layer's output | Mishkin and Matas 2016 |
"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
)

from lab import validation
from lab.engine.types import Tensor
from lab.validation import GATED, require_name

__all__ = [
    "GateBias",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "layer_sequential_unit_variance",
]


def layer_sequential_unit_variance(
    model: keras.Model, batch: Tensor, *, seed: int, tolerance: float = 0.1, tries: int = 10
) -> dict[str, float]:
    """Scales orthonormal weights until each layer's output has variance 1 (Mishkin and Matas 2016).

    It changes the layers with a kernel, in the model's order. The variance is that of the output
    before the layer's activation, over the whole batch.

    Args:
        model: a built Sequential or functional model.
        batch: inputs of the model.
        seed: seeds the orthonormal weights.
        tolerance: the greatest allowed difference of the variance from 1.
        tries: the greatest number of times a layer is scaled.

    Returns:
        {layer name: variance of its output}, measured when the layer was finished.
    """
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    seeds = np.random.SeedSequence(seed).generate_state(len(layers)).tolist()
    result = {}
    for layer, number in zip(layers, seeds, strict=True):
        kernel = layer.kernel
        kernel.assign(Orthogonal(seed=number)(kernel.shape, "float32"))
        output = keras.Model(model.inputs[0] if len(model.inputs) == 1 else model.inputs, layer.output)
        activation = layer.activation
        layer.activation = keras.activations.linear
        try:
            variance = _variance(output, batch, layer)
            for _ in range(tries):
                if abs(variance - 1.0) <= tolerance:
                    break
                kernel.assign(kernel / variance**0.5)
                variance = _variance(output, batch, layer)
        finally:
            layer.activation = activation
        result[layer.name] = variance
    return result


def _variance(output, batch, layer):
    variance = float(ops.var(output(batch)))
    if not variance > 0:
        raise ValueError(f"batch: expected one for which the outputs of {layer.name} vary, received variance {variance}.")
    return variance


@keras.saving.register_keras_serializable(package="lab")
class GateBias(keras.initializers.Initializer):
    """Biases of `keras.layers.GRU` or `LSTM` that make units remember for 2 to `time_scale` steps.

        b = log u  with u ~ U(1, time_scale - 1), drawn for each unit

    In one step a unit keeps the fraction sigma(b) = 1 - 1 / (1 + u) of its state.

    - LSTM: the bias of the forget gate is b, that of the input gate -b (eq. 16).
    - GRU: the bias of the update gate, which keeps the state, is b.

    All other biases are 0. An LSTM must have `unit_forget_bias=False`. A GRU must have
    `reset_after=True`, its default.

    Source: Tallec and Ollivier 2018, section 2.

    Args:
        cell: "gru" or "lstm".
        units: units of the layer, >= 1.
        time_scale: number of steps, an integer >= 3.
        seed: seeds u.
    """

    def __init__(self, cell: str, units: int, time_scale: int, *, seed: int) -> None:
        require_name("cell", cell, GATED)
        self.cell = cell
        self.units = validation.integer("units", units)
        self.seed = seed
        self.time_scale = validation.integer("time_scale", time_scale, 3)

    def __call__(self, shape: Iterable[int], dtype: str | None = None) -> Tensor:
        """The biases.

        - LSTM: `[4 units]`, for input, forget, candidate and output.
        - GRU: `[2, 3 units]`, for update, reset and candidate; one row for the inputs and one for
          the state.
        """
        expected = (4 * self.units,) if self.cell == "lstm" else (2, 3 * self.units)
        if tuple(shape) != expected:
            option = "unit_forget_bias=False" if self.cell == "lstm" else "reset_after=True"
            raise ValueError(
                f"GateBias: expected the bias {expected} of {self.cell} with {option}, received shape {tuple(shape)}."
            )
        b = np.log(np.random.default_rng(self.seed).uniform(1, self.time_scale - 1, self.units))
        bias = np.zeros((*expected[:-1], expected[-1] // self.units, self.units))
        if self.cell == "lstm":
            bias[:2] = -b, b
        else:
            bias[0, 0] = b
        return ops.convert_to_tensor(bias.reshape(expected), dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"cell": self.cell, "units": self.units, "time_scale": self.time_scale, "seed": self.seed}
