"""Gradient descent with momentum."""

from typing import Any

import keras

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Momentum(RuleOptimizer):
    """Gradient descent with momentum (Polyak 1964).

        v <- gamma v + (1 - d) eta g
        theta <- theta - v

    The velocity v contains eta, as in Keras's SGD.

    Args:
        learning_rate: eta.
        momentum: gamma, in [0, 1).
        dampening: d, in [0, 1]. 0 is Polyak's rule. With `dampening=momentum` v is a moving average
            of steps.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.9, dampening: float = 0.0, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = validation.FRACTION.check("momentum", momentum)
        validation.UNIT.check("dampening", dampening)
        self.dampening = dampening

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity v."""
        return ("velocity",)

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor, velocity: Tensor) -> tuple[Tensor, ...]:
        """One step along the velocity."""
        velocity = self.momentum * velocity + (1 - self.dampening) * eta * gradient
        return theta - velocity, velocity

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"momentum": self.momentum, "dampening": self.dampening}
