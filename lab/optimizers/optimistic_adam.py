"""Optimistic Adam, for two-player games."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.adam import bias_corrections
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class OptimisticAdam(RuleOptimizer):
    """Adam that takes back half of its last step (Daskalakis et al. 2018, Algorithm 1).

        theta <- theta - 2 eta d_t + eta d_(t-1),  d_t = m^ / (sqrt(v^) + epsilon),  d_0 = 0

    In min_x max_y xy, where Adam's players spiral outwards, these converge; with the betas of the
    paper's images, 0.5 and 0.9, they end on a circle there, for Adam's steps do not shrink with the gradient.

    Args:
        learning_rate: eta.
        beta_1, beta_2: decay of both moments, in [0, 1).
        epsilon: >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.0, beta_2=0.999, epsilon=1e-8, **options):
        super().__init__(learning_rate, **options)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = validation.FRACTION.check("beta_2", beta_2)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self):
        """Both moments and the direction of the step before."""
        return ("momentum", "velocity", "direction")

    def scalars(self, eta):
        """The learning rate, 1-b1^t and 1-b2^t."""
        return eta, *bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)

    def rule(self, theta, gradient, scalars, momentum, velocity, direction):
        """Twice this direction forward, once the last one back."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)
        eta, first, second = scalars
        now = momentum / first / (ops.sqrt(velocity / second) + self.epsilon)
        return theta - 2 * eta * now + eta * direction, momentum, velocity, now

    def get_config(self):
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
