"""Positions that are learnt."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class LearntPositions(keras.layers.Layer):
    """Adds a learnt vector to each step: x_t + p_t, `[B, T, D]` -> the same (Gehring et al. 2017).

    The vectors start N(0, 0.02²).

    Args:
        longest: T is at most this.
        seed: seeds the vectors.
    """

    def __init__(self, longest: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.longest = validation.integer("longest", longest)
        self.seed = seed
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the vectors."""
        start = keras.initializers.RandomNormal(stddev=0.02, seed=self.seed)
        self.positions = self.add_weight(shape=(self.longest, input_shape[-1]), initializer=start, name="positions")

    def call(self, inputs: Tensor) -> Tensor:
        """The steps with their positions."""
        steps = inputs.shape[1]
        if steps is not None and steps > self.longest:
            raise ValueError(f"inputs: expected at most {self.longest} steps, received {steps}.")
        return inputs + ops.take(self.positions, ops.arange(ops.shape(inputs)[1]), axis=0)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"longest": self.longest, "seed": self.seed}
