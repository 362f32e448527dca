"""Initial weights: Keras's initializers of the papers, and one that looks at data.

With fan_in inputs and fan_out outputs per unit, uniform in [-a, a] or (truncated) normal of that variance:

| initializer | variance | source |
|---|---|---|
| GlorotUniform, GlorotNormal | 2 / (fan_in + fan_out) | Glorot and Bengio 2010, eq. 16 |
| HeUniform, HeNormal | 2 / fan_in | He et al. 2015, eq. 10 |
| LecunUniform, LecunNormal | 1 / fan_in | LeCun et al. 1998, "Efficient BackProp" |
| Orthogonal(gain) | W^T W = gain^2 I | Saxe et al. 2014 |
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

__all__ = [
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
