"""How the settings of an agent change while `fit` learns: to the end of the last call."""

from collections.abc import Callable
from typing import Any

import keras


class Horizon:
    """Schedules that end where the last call of `fit` ends; see `lab.agents.building.Schedules`.

    They read the step at which they end from a Keras variable, so that programs that are compiled
    already see a new one. The step size is a number, not one of Keras's schedules: whoever sets
    `optimizer.learning_rate` gets what they set.

    Args:
        config: settings of `lab.agents.settings`.
    """

    def __init__(self, config: Any) -> None:
        self.config = config
        self.steps = keras.Variable(1.0, dtype="float32", trainable=False, name="horizon")

    def learning_rate(self, updates: int) -> float:
        """The step size at the start."""
        return self.config.learning_rate

    def linear(self, start: float, end: float) -> Callable:
        """From `start` to `end` at the horizon."""
        return lambda step: start + (end - start) * self._share(step)

    def epsilon(self) -> Callable:
        """From 1 to epsilon_end over a share of the horizon, exploration_fraction."""
        end, fraction = self.config.epsilon_end, max(self.config.exploration_fraction, 1e-9)
        return lambda step: 1.0 + (end - 1.0) * keras.ops.minimum(self._share(step) / fraction, 1.0)

    def rate_at(self, step: int) -> float:
        """The step size for a step: it goes from learning_rate to learning_rate_end.

        end + (start - end) (1 - step / horizon)^power
        """
        config = self.config
        start = config.learning_rate
        if not hasattr(config, "learning_rate_end") and not hasattr(config, "learning_rate_power"):
            return start
        end, power = getattr(config, "learning_rate_end", 0.0), getattr(config, "learning_rate_power", 1.0)
        left = max(1.0 - step / float(self.steps.value), 0.0)
        return end + (start - end) * left**power

    def _share(self, step):
        return keras.ops.minimum(keras.ops.cast(step, "float32") / self.steps.value, 1.0)


class Rate:
    """Sets the step size of an optimizer, until somebody else has set it.

    Args:
        optimizer: a Keras optimizer whose step size is a number.
        horizon: gives the step size.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, horizon: Horizon) -> None:
        self.optimizer, self.horizon = optimizer, horizon
        self.last = float(optimizer.learning_rate)

    @property
    def is_ours(self) -> bool:
        """Whether nobody else has set the step size."""
        return float(self.optimizer.learning_rate) == self.last

    def update(self, step: int) -> None:
        """Sets the step size for a step."""
        if self.is_ours:
            self.optimizer.learning_rate = self.horizon.rate_at(step)
            self.last = float(self.optimizer.learning_rate)
