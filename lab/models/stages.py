"""What a network costs: weights and multiplications of each stage."""

from typing import NamedTuple

import keras
import numpy as np


class Stage(NamedTuple):
    """Layers of a network whose names have the same first part."""

    name: str  # the part before the first underscore
    shape: tuple[int | None, ...]  # of the output of the last layer, without the batch
    layers: int  # number of those whose weights multiply: convolutions and dense layers
    parameters: int
    multiplications: int  # for one image


def stages(model: keras.Model) -> list[Stage]:
    """The `Stage`s of a functional model of convolutions and dense layers, in its order.

    A convolution multiplies each weight once at each position of its output. A dense layer
    multiplies each weight once. Normalisation, pooling and activations are not counted (as in He
    et al. 2016, table 1: "multiply-adds").
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


def summary(model: keras.Model) -> str:
    """A table of the stages with their sums, as text.

    Its columns are name, output, layers, parameters and multiplications.
    """
    rows = stages(model)
    total = Stage(
        "total",
        (),
        sum(row.layers for row in rows),
        sum(row.parameters for row in rows),
        sum(row.multiplications for row in rows),
    )
    lines = [f"{'stage':<16}{'output':<18}{'layers':>7}{'parameters':>14}{'multiplications':>18}"]
    for row in [*rows, total]:
        shape = " x ".join(map(str, row.shape))
        lines.append(f"{row.name:<16}{shape:<18}{row.layers:>7}{row.parameters:>14,}{row.multiplications:>18,}")
    return "\n".join(lines)


def multiplications(model: keras.Model) -> int:
    """The multiplications of one image through the whole network."""
    return sum(stage.multiplications for stage in stages(model))


def _multiplications(layer):
    """The number of weights times the number of positions at which they are used."""
    kernels = [int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) >= 2]
    if not kernels:
        return 0
    positions = int(np.prod(layer.output.shape[1:-1])) if len(layer.output.shape) > 2 else 1
    return sum(kernels) * positions
