"""The forward passes of an agent's models: which layers draw noise, and which move their statistics.

| pass      | `training` | NoisyDense, Dropout | batch normalisation                          |
|-----------|------------|---------------------|----------------------------------------------|
| learning  | True       | draw                | by the batch, and its moving averages move   |
| exploring | True       | draw                | by its moving averages, which stay           |
| greedy    | False      | are silent          | by its moving averages, which stay           |

Targets that bootstrap, and models that are only asked in another model's loss, are greedy passes. Acting does not normalise by its batch,
for that may be a single observation, of which nothing would be left. `RunningNormalization` moves in none of them:
`ObservationStatistics` shows it each observation once.
"""

import contextlib

import keras

from lab import engine
from lab.engine import private
from lab.layers import RunningNormalization


def learning(model, inputs):
    """The outputs of a model that learns from them. A program."""
    with _frozen(model, RunningNormalization):
        return model(inputs, training=True)


def exploring(model, inputs):
    """The outputs of a model that acts and explores. A program."""
    with _frozen(model, RunningNormalization | keras.layers.BatchNormalization):
        return model(inputs, training=True)


def greedy(model, inputs):
    """The outputs of a model that acts greedily, or whose values are targets. A program."""
    return model(inputs, training=False)


class HostPasses:
    """A model's exploring and greedy pass as functions of arrays, for host environments.

    They are one NumPy function where the model is small, dense and without noise, else a compiled call each.
    """

    def __init__(self, model):
        self._greedy = self._exploring = engine.host_forward(model)
        if not isinstance(self._greedy, engine.HostForward):
            self._exploring = engine.CompiledForward(lambda inputs: exploring(model, inputs), model.variables)

    def greedy(self):
        """The greedy pass over the present weights."""
        return self._greedy.refresh()

    def exploring(self):
        """The exploring pass over the present weights; compiled, its noise comes from the layers' own seeds."""
        return self._exploring.refresh()


@contextlib.contextmanager
def _frozen(model, kinds):
    """Layers of these kinds are not trainable meanwhile: to Keras, they compute as in inference and keep their statistics."""
    layers = [layer for layer in private.flatten_layers(model) if isinstance(layer, kinds) and layer.trainable]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True
