"""Initial weights: Keras's initializers of the papers, and one that looks at data.

With fan_in inputs and fan_out outputs per unit, uniform in [-a, a] or (truncated) normal of that variance:

| initializer | variance | source |
|---|---|---|
| GlorotUniform, GlorotNormal | 2 / (fan_in + fan_out) | Glorot and Bengio 2010, eq. 16 |
| HeUniform, HeNormal | 2 / fan_in | He et al. 2015, eq. 10 |
| LecunUniform, LecunNormal | 1 / fan_in | LeCun et al. 1998, "Efficient BackProp" |
| Orthogonal(gain) | W^T W = gain^2 I | Saxe et al. 2014 |
| GateBias | biases of a GRU or LSTM that remembers for up to so many steps | Tallec and Ollivier 2018, eq. 16 |
| layer_sequential_unit_variance | 1 of each layer's output | Mishkin and Matas 2016 |
"""

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


def layer_sequential_unit_variance(model, batch, *, seed, tolerance=0.1, tries=10):
    """Gives each layer with a kernel orthonormal weights, scaled until its output has variance 1 (Mishkin and Matas 2016).

    Layers are taken in the model's order; the output is that before the layer's own activation, over all of the batch.

    Args:
        model: a built Sequential or functional model.
        batch: inputs, as for the model's call.
        seed: seeds the orthonormal weights.
        tolerance: how far from 1 the variance may stay.
        tries: times a layer is scaled at most.

    Returns:
        {layer name: variance of its output}, as it was when the layer was done.
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
    """Biases of `keras.layers.GRU` or `LSTM` with which units remember for 2 to `time_scale` steps (Tallec and Ollivier 2018, section 2).

    b = log u with u ~ U(1, time_scale - 1), for each unit, which then keeps sigma(b) = 1 - 1 / (1 + u) of its state in a step. LSTM (eq. 16): the forget
    gate's bias is b, the input gate's -b. GRU: that of the gate that keeps the state is b. All others are 0.

    An LSTM must have `unit_forget_bias=False`, a GRU `reset_after=True`, its default.

    Args:
        cell: "gru" or "lstm".
        units: of the layer, >= 1.
        time_scale: steps, an integer >= 3.
        seed: of the numbers.
    """

    def __init__(self, cell, units, time_scale, *, seed):
        require_name("cell", cell, GATED)
        self.cell = cell
        self.units = validation.integer("units", units)
        self.seed = seed
        self.time_scale = validation.integer("time_scale", time_scale, 3)

    def __call__(self, shape, dtype=None):
        """Biases `[4 units]` (LSTM: input, forget, candidate, output) or `[2, 3 units]` (GRU: keep, reset, candidate; of inputs and of the state)."""
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

    def get_config(self):
        """All arguments."""
        return {"cell": self.cell, "units": self.units, "time_scale": self.time_scale, "seed": self.seed}
