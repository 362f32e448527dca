"""A learnt feature map whose channels a vector scales."""

from typing import Any

import keras

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class LearntMap(keras.layers.Layer):
    """A learnt feature map, each channel times its input: `[B, C]` -> `[B, side, side, C]`.

    Source: the generator's basis of Huang et al. 2024. The map starts standard normal.

    Args:
        side: height and width of the map.
        channels: C.
        seed: seeds the map.
    """

    def __init__(self, side: int, channels: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.side = validation.integer("side", side)
        self.channels = validation.integer("channels", channels)
        self.seed = seed

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Checks the channels and makes the map."""
        if input_shape[-1] != self.channels:
            raise ValueError(f"inputs: expected {self.channels} channels, received {input_shape[-1]}.")
        start = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.map = self.add_weight(shape=(self.side, self.side, self.channels), initializer=start, name="map")

    def call(self, inputs: Tensor) -> Tensor:
        """The scaled map."""
        return self.map * inputs[:, None, None, :]

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """One map per sample."""
        return (input_shape[0], self.side, self.side, self.channels)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"side": self.side, "channels": self.channels, "seed": self.seed}
