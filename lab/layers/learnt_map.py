"""A learnt map that a vector scales."""

import keras

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class LearntMap(keras.layers.Layer):
    """A learnt map, scaled by channel: `[B, C]` -> `[B, side, side, C]` (Huang et al. 2024's generator basis).

    Args:
        side: height and width.
        channels: C.
        seed: of the map, standard normal at the start.
    """

    def __init__(self, side, channels, seed=None, **options):
        super().__init__(**options)
        self.side = validation.integer("side", side)
        self.channels = validation.integer("channels", channels)
        self.seed = seed

    def build(self, input_shape):
        """Checks the channels and makes the map."""
        if input_shape[-1] != self.channels:
            raise ValueError(f"inputs: expected {self.channels} channels, received {input_shape[-1]}.")
        start = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.map = self.add_weight(shape=(self.side, self.side, self.channels), initializer=start, name="map")

    def call(self, inputs):
        """The scaled map."""
        return self.map * inputs[:, None, None, :]

    def compute_output_shape(self, input_shape):
        """One map per sample."""
        return (input_shape[0], self.side, self.side, self.channels)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"side": self.side, "channels": self.channels, "seed": self.seed}
