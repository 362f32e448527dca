"""What a network costs: weights and multiplications of each stage."""

from typing import NamedTuple

import keras
import numpy as np


class Stage(NamedTuple):
    """Some layers of a network, one after the other."""

    name: str  # what stands before the first underscore of their names
    shape: tuple[int | None, ...]  # of the last one's output, the batch left out
    layers: int  # with weights that multiply: convolutions and dense layers
    parameters: int
    multiplications: int  # for one image


def stages(model):
    """The `Stage`s of a functional model of convolutions, dense layers and what has few weights, in its order.

    A convolution multiplies each weight once at each position of its output, a dense layer each of its weights once; what normalisation,
    pooling and activations compute is not counted (as in He et al. 2016, table 1: "multiply-adds").
    """
    found: dict[str, Stage] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        name = layer.name.split("_")[0]
        _, _, layers, parameters, multiplications = found.get(name, Stage(name, (), 0, 0, 0))
        count = _multiplications(layer)
        shape = tuple(layer.output.shape[1:])
        found[name] = Stage(name, shape, layers + bool(count), parameters + layer.count_params(), multiplications + count)
    return list(found.values())


def summary(model):
    """A table of the stages, as text: name, output, layers, parameters and multiplications, with their sums."""
    rows = stages(model)
    total = Stage("total", (), *(sum(row[i] for row in rows) for i in (2, 3, 4)))
    lines = [f"{'stage':<16}{'output':<18}{'layers':>7}{'parameters':>14}{'multiplications':>18}"]
    for row in [*rows, total]:
        shape = " x ".join(map(str, row.shape))
        lines.append(f"{row.name:<16}{shape:<18}{row.layers:>7}{row.parameters:>14,}{row.multiplications:>18,}")
    return "\n".join(lines)


def multiplications(model):
    """Those of one image through the whole network."""
    return sum(stage.multiplications for stage in stages(model))


def _multiplications(layer):
    """Weights times the positions at which they are used."""
    kernels = [int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) >= 2]
    if not kernels:
        return 0
    positions = int(np.prod(layer.output.shape[1:-1])) if len(layer.output.shape) > 2 else 1
    return sum(kernels) * positions
