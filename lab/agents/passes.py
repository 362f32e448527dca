"""The forward passes of an agent's models: where layers draw noise, and where statistics move.

| pass      | `training` | NoisyDense, Dropout | batch normalisation                        |
|-----------|------------|---------------------|--------------------------------------------|
| learning  | True       | draw                | by the batch; its moving averages move     |
| exploring | True       | draw                | by its moving averages, which stay         |
| greedy    | False      | are silent          | by its moving averages, which stay         |

Values that bootstrap come from greedy passes. So do the values of a critic in the loss of an actor.
Exploring does not normalise by the batch, because a batch of one observation would become zero.
`RunningNormalization` moves in none of the passes: an agent updates its `observation_statistics`
with each observation once.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from lab import engine
from lab.engine import private
from lab.engine.types import Tensor
from lab.layers import RunningNormalization


def learning(model: keras.Model, inputs: Any) -> Any:
    """The outputs of a model that is being trained. A program."""
    with _frozen(model, RunningNormalization):
        return model(inputs, training=True)


def exploring(model: keras.Model, inputs: Any) -> Any:
    """The outputs of a model that acts and explores. A program."""
    with _frozen(model, RunningNormalization | keras.layers.BatchNormalization):
        return model(inputs, training=True)


def greedy(model: keras.Model, inputs: Any) -> Any:
    """The outputs of a model that acts greedily, or whose values bootstrap. A program."""
    return model(inputs, training=False)


class HostPasses:
    """A model's exploring and greedy pass as functions of arrays, for host environments.

    Both are the same NumPy function if the model consists of layers that `engine.host_forward` can
    compute in NumPy. Otherwise each is a compiled call. Their `refresh()` takes over the present
    weights. The noise of a compiled exploring pass comes from the seeds of the layers.
    """

    def __init__(self, model: keras.Model) -> None:
        self.greedy = self.exploring = engine.host_forward(model)
        if not isinstance(self.greedy, engine.HostForward):
            self.exploring = engine.CompiledForward(lambda inputs: exploring(model, inputs), model.variables)


def observation_statistics(*models: keras.Model) -> list[RunningNormalization]:
    """The layers of these models that normalise observations. A shared layer is listed once.

    The agent calls `layer.update(trajectory.observation)` of each, for each trajectory.

    Args:
        models: Keras models whose first input is the observation.

    Raises:
        ValueError: a layer normalises something else, which no trajectory contains.
    """
    layers = [layer for model in models for layer in _layers(model)]
    found = {id(layer): layer for layer in layers if isinstance(layer, RunningNormalization)}
    observations = [model.inputs[0] for model in models if getattr(model, "inputs", None)]
    for layer in found.values():
        if not any(layer.input is observation for observation in observations):
            raise ValueError(
                f"model: expected RunningNormalization of the observation itself, received {layer.name!r} further inside."
            )
    return list(found.values())


def several(outputs: Any) -> list[Tensor]:
    """The outputs of a model as a list, even if there is only one."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


@contextlib.contextmanager
def _frozen(model, kinds) -> Iterator[None]:
    """Inside of it, layers of these kinds are not trainable.

    Keras then computes them as in inference, and does not update their statistics.
    """
    layers = [layer for layer in private.flatten_layers(model) if isinstance(layer, kinds) and layer.trainable]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True


def _layers(model):
    """All layers, including those of models inside the model."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
