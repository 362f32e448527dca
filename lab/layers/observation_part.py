"""A part of an observation that holds several, side by side in one vector."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class ObservationPart(keras.layers.Layer):
    """Takes consecutive numbers of the last axis, and gives them their shape.

        [..., D] -> x[..., start : start + prod(shape)] reshaped to [..., *shape]

    Args:
        start: the position of the first number, >= 0.
        shape: of the part, each number > 0.
    """

    def __init__(self, start: int, shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.start = validation.integer("start", start, 0)
        self.shape = tuple(validation.integer("shape", size) for size in shape)
        self._end = self.start + int(np.prod(self.shape))

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Checks that the input holds the part."""
        if input_shape[-1] < self._end:
            raise ValueError(f"inputs: expected at least {self._end} numbers in the last axis, received {input_shape[-1]}.")

    def call(self, inputs: Tensor) -> Tensor:
        """The part."""
        part = inputs[..., self.start : self._end]
        if len(self.shape) == 1:
            return part
        leading = [-1 if size is None else size for size in inputs.shape[:-1]]
        return ops.reshape(part, (*leading, *self.shape))

    def host_function(self) -> Callable[[np.ndarray], np.ndarray]:
        """`call` of arrays, for `engine.host_forward`."""
        return lambda x: x[..., self.start : self._end].reshape(*x.shape[:-1], *self.shape)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The part's shape in place of the last axis."""
        return (*input_shape[:-1], *self.shape)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"start": self.start, "shape": self.shape}
