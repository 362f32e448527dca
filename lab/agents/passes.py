"""The forward passes of an agent's models: which layers draw noise, which statistics move.

| pass      | `training` | NoisyDense, Dropout | batch normalisation                        |
|-----------|------------|---------------------|--------------------------------------------|
| learning  | True       | draw                | by the batch; its moving averages move     |
| exploring | True       | draw                | by its moving averages, which stay         |
| greedy    | False      | are silent          | by its moving averages, which stay         |

Values that bootstrap are greedy passes. So are models that are only asked in another model's loss.
Acting does not normalise by its batch: that may be a single observation, of which nothing would be
left. `RunningNormalization` moves in none of the passes: an agent shows each observation once to
its `observation_statistics`.
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
    """The outputs of a model that learns from them. A program."""
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

    They are one NumPy function where the model is small, dense and without noise, else a compiled
    call each. Their `refresh()` takes over the present weights. The noise of a compiled exploring
    pass comes from the layers' own seeds.
    """

    def __init__(self, model: keras.Model):
        self.greedy = self.exploring = engine.host_forward(model)
        if not isinstance(self.greedy, engine.HostForward):
            self.exploring = engine.CompiledForward(lambda inputs: exploring(model, inputs), model.variables)


def observation_statistics(*models: keras.Model) -> list[RunningNormalization]:
    """The layers that normalise observations in these models, each once.

    The agent calls `layer.update(trajectory.observation)` of each, for all that it observes.

    Args:
        models: Keras models whose first input is the observation.

    Raises:
        ValueError: a layer normalises something else, of which trajectories say nothing.
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
    """A model's outputs as a list, also where there is only one."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


@contextlib.contextmanager
def _frozen(model, kinds) -> Iterator[None]:
    """Layers of these kinds are not trainable meanwhile.

    Keras then computes them as in inference, and their statistics stay.
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
    """All layers, those of models within included."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
