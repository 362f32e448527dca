"""RMSprop."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class RMSprop(RuleOptimizer):
    """Divides the step by a moving root mean square (Tieleman and Hinton 2012, lecture 6.5).

        s <- rho s + (1 - rho) g^2
        theta <- theta - eta g / sqrt(s + epsilon)

    If centred, the variance s - a^2 replaces s (Graves 2013, eq. 38-45), with

        a <- rho a + (1 - rho) g

    With momentum gamma the step is a velocity:

        v <- gamma v + eta g / sqrt(s + epsilon)
        theta <- theta - v

    Mnih et al. 2015 have eta=2.5e-4, rho=0.95, epsilon=0.01, centred, with epsilon inside the root.

    Args:
        learning_rate: eta.
        rho: decay of the averages, in [0, 1).
        momentum: gamma, in [0, 1).
        epsilon: >= 0.
        centered: whether the variance replaces the second moment.
        epsilon_inside: whether epsilon is added inside the root, as in Keras and the DQN paper, or
            to the root, as in torch.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        epsilon_inside: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = validation.FRACTION.check("rho", rho)
        self.momentum = validation.FRACTION.check("momentum", momentum)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)
        self.centered = centered
        self.epsilon_inside = epsilon_inside

    @property
    def slots(self) -> tuple[str, ...]:
        """The average of squares. If used, also the average of gradients and the velocity."""
        return ("square", *(("average",) if self.centered else ()), *(("velocity",) if self.momentum else ()))

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor, square: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """One step, divided by the root of the average of squares."""
        rest = iter(others)
        square = self.rho * square + (1 - self.rho) * ops.square(gradient)
        slots = [square]
        second = square
        if self.centered:
            average = self.rho * next(rest) + (1 - self.rho) * gradient
            slots.append(average)
            variance = square - ops.square(average)
            second = ops.maximum(variance, 0.0)  # rounding may make it negative
        root = ops.sqrt(second + self.epsilon) if self.epsilon_inside else ops.sqrt(second) + self.epsilon
        step = eta * gradient / root
        if self.momentum:
            step = self.momentum * next(rest) + step
            slots.append(step)
        return theta - step, *slots

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("rho", "momentum", "epsilon", "centered", "epsilon_inside")
        return super().get_config() | {name: getattr(self, name) for name in names}
