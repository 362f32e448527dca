"""Step sizes that change during training, beside those of `keras.optimizers.schedules`."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class FlatThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A step size that stays, then falls linearly to 0 (Zhu et al. 2017, section 4).

        rate                              for step <= flat
        rate (total - step) / (total - flat)    after it, and 0 from `total` on

    Args:
        learning_rate: at the start, > 0.
        flat: steps before it falls.
        total: steps of the whole training.
    """

    def __init__(self, learning_rate: float, flat: int, total: int) -> None:
        super().__init__()
        self.learning_rate = validation.POSITIVE.check("learning_rate", learning_rate)
        self.flat = validation.integer("flat", flat, 0)
        self.total = validation.integer("total", total)
        if self.flat >= self.total:
            raise ValueError(f"flat: expected less than total, {total}, received {flat}.")

    def __call__(self, step: Tensor) -> Tensor:
        """The step size at a step, float32."""
        left = (self.total - ops.cast(step, "float32")) / (self.total - self.flat)
        return self.learning_rate * ops.clip(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"learning_rate": self.learning_rate, "flat": self.flat, "total": self.total}
