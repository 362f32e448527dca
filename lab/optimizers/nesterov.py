"""Nesterov's accelerated gradient."""

import keras

from lab import validation
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Nesterov(RuleOptimizer):
    """v <- gamma v + eta grad J(theta - gamma v);  theta <- theta - v (Nesterov 1983; Sutskever et al. 2013, eq. 3-4).

    The weights that the model holds are the look-ahead ones, phi = theta - gamma v, where the gradient is wanted; written in them
    the rule is  v <- gamma v + eta grad J(phi);  phi <- phi - gamma v - eta grad J(phi)  (Bengio et al. 2013, eq. 7).

    Args:
        learning_rate: eta.
        momentum: gamma, in [0, 1).
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, **options):
        super().__init__(learning_rate, **options)
        self.momentum = validation.FRACTION.check("momentum", momentum)

    @property
    def slots(self):
        """The velocity v."""
        return ("velocity",)

    def rule(self, theta, gradient, eta, velocity):
        """One step of the look-ahead weights."""
        velocity = self.momentum * velocity + eta * gradient
        return theta - (self.momentum * velocity + eta * gradient), velocity

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"momentum": self.momentum}
