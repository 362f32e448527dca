"""Gradient descent with momentum."""

import keras

from lab import validation
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Momentum(RuleOptimizer):
    """v <- gamma v + (1 - d) eta g;  theta <- theta - v (Polyak 1964; the velocity carries eta, as in Keras's SGD).

    Args:
        learning_rate: eta.
        momentum: gamma, in [0, 1).
        dampening: d, in [0, 1]: 0 is Polyak's rule, `dampening=momentum` makes v an average of steps.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, dampening=0.0, **options):
        super().__init__(learning_rate, **options)
        self.momentum = validation.FRACTION.check("momentum", momentum)
        validation.UNIT.check("dampening", dampening)
        self.dampening = dampening

    @property
    def slots(self):
        """The velocity v."""
        return ("velocity",)

    def rule(self, theta, gradient, eta, velocity):
        """One step along the velocity."""
        velocity = self.momentum * velocity + (1 - self.dampening) * eta * gradient
        return theta - velocity, velocity

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"momentum": self.momentum, "dampening": self.dampening}
