"""Nesterov's accelerated gradient."""

from typing import Any

import keras

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Nesterov(RuleOptimizer):
    """Momentum with the gradient of a look-ahead point.

        v <- gamma v + eta grad J(theta - gamma v)
        theta <- theta - v

    Source: Nesterov 1983; Sutskever et al. 2013, eq. 3-4.

    The model holds the look-ahead weights phi = theta - gamma v, at which the gradient is taken.
    For them the rule is (Bengio et al. 2013, eq. 7)

        v <- gamma v + eta grad J(phi)
        phi <- phi - gamma v - eta grad J(phi)

    Args:
        learning_rate: eta.
        momentum: gamma, in [0, 1).
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate: LearningRate = 0.01, momentum: float = 0.9, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = validation.FRACTION.check("momentum", momentum)

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity v."""
        return ("velocity",)

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor, velocity: Tensor) -> tuple[Tensor, ...]:
        """One step of the look-ahead weights phi."""
        velocity = self.momentum * velocity + eta * gradient
        return theta - (self.momentum * velocity + eta * gradient), velocity

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"momentum": self.momentum}
