"""Scores of actions, of which some are not allowed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor

EXCLUDED = -1e9  # its exponential is 0, and 0 times it is 0, which -inf would not be
IN_FLOAT16 = -3e4


@keras.saving.register_keras_serializable(package="lab")
class MaskedActions(keras.layers.Layer):
    """Gives the lowest score to the actions that a mask forbids.

        [scores [..., A], mask [..., A]] -> score where mask > 0, else -1e9 (-3e4 in float16)

    The scores are logits or action values. A softmax of the result is exactly 0 where the mask is
    0, and so is the gradient of the scores (Huang and Ontañón 2022, arXiv 2006.14171).
    """

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """The masked scores."""
        scores, mask = inputs
        lowest = IN_FLOAT16 if self.compute_dtype == "float16" else EXCLUDED
        return ops.where(mask > 0, scores, ops.cast(lowest, scores.dtype))

    def host_function(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """`call` of arrays, for `engine.host_forward`."""
        return lambda scores, mask: np.where(mask > 0, scores, np.float32(EXCLUDED))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the scores."""
        return tuple(input_shape[0])
