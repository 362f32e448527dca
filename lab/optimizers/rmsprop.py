"""RMSprop."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class RMSprop(RuleOptimizer):
    """s <- rho s + (1 - rho) g^2;  theta <- theta - eta g / sqrt(s + epsilon) (Tieleman and Hinton 2012, lecture 6.5).

    Centred, s - a^2 stands for s, with a <- rho a + (1 - rho) g (Graves 2013, eq. 38-45). With momentum gamma the step goes through
    a velocity, v <- gamma v + step. The settings of Mnih et al. 2015 are eta=2.5e-4, rho=0.95, epsilon=0.01, centred, inside.

    Args:
        learning_rate: eta.
        rho: decay of the averages, in [0, 1).
        momentum: gamma, in [0, 1).
        epsilon: >= 0, added inside the root (Keras's and the DQN paper's form) or, with epsilon_inside=False, to the root (torch's).
        centered: whether the variance takes the place of the second moment.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, epsilon_inside=True, **options
    ):
        super().__init__(learning_rate, **options)
        self.rho = validation.FRACTION.check("rho", rho)
        self.momentum = validation.FRACTION.check("momentum", momentum)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)
        self.centered, self.epsilon_inside = centered, epsilon_inside

    @property
    def slots(self):
        """The averages of squares and, where they are used, of gradients, and the velocity."""
        return ("square", *(("average",) if self.centered else ()), *(("velocity",) if self.momentum else ()))

    def rule(self, theta, gradient, eta, square, *others):
        """One step, scaled by the decaying squares."""
        rest = iter(others)
        square = self.rho * square + (1 - self.rho) * ops.square(gradient)
        kept, scale = [square], square
        if self.centered:
            average = self.rho * next(rest) + (1 - self.rho) * gradient
            kept.append(average)
            scale = ops.maximum(square - ops.square(average), 0.0)  # a variance, but for rounding
        root = ops.sqrt(scale + self.epsilon) if self.epsilon_inside else ops.sqrt(scale) + self.epsilon
        step = eta * gradient / root
        if self.momentum:
            step = self.momentum * next(rest) + step
            kept.append(step)
        return theta - step, *kept

    def get_config(self):
        """All arguments."""
        names = ("rho", "momentum", "epsilon", "centered", "epsilon_inside")
        return super().get_config() | {name: getattr(self, name) for name in names}
