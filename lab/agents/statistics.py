"""Where an agent's models keep the statistics of its observations."""

from lab.layers import RunningNormalization


class ObservationStatistics:
    """The `RunningNormalization`s of an agent's models, each once, to be updated by all that the agent observes.

    Args:
        models: Keras models, the observation their first input.

    Raises:
        ValueError: one normalises something else than the observation, of which trajectories say nothing.
    """

    def __init__(self, *models):
        found = {id(layer): layer for model in models for layer in _layers(model) if isinstance(layer, RunningNormalization)}
        observations = [model.inputs[0] for model in models if getattr(model, "inputs", None)]
        for layer in found.values():
            if not any(layer.input is observation for observation in observations):
                raise ValueError(
                    f"model: expected RunningNormalization of the observation itself, received {layer.name!r} further inside."
                )
        self.layers = list(found.values())

    def update(self, trajectory):
        """Adds the observations of a trajectory. A program."""
        for layer in self.layers:
            layer.update(trajectory.observation)


def _layers(model):
    """All layers, those of models within included."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
