"""Optimistic Adam, for two-player games."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.adam import bias_corrections
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class OptimisticAdam(RuleOptimizer):
    """Adam with twice its step, minus the previous step (Daskalakis et al. 2018, Algorithm 1).

        theta <- theta - 2 eta d_t + eta d_(t-1)
        d_t = m^ / (sqrt(v^) + epsilon),  d_0 = 0

    In the game min_x max_y xy Adam spirals outwards. This optimizer converges, with the default
    betas. With 0.5 and 0.9, those of the paper's images, it ends on a circle, because the steps do
    not shrink with the gradient.

    Args:
        learning_rate: eta.
        beta_1, beta_2: decay of both moments, in [0, 1).
        epsilon: >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.0,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = validation.FRACTION.check("beta_2", beta_2)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self) -> tuple[str, ...]:
        """Both moments and the direction of the previous step."""
        return ("momentum", "velocity", "direction")

    def scalars(self, eta: Tensor) -> Any:
        """(eta, 1 - b1^t, 1 - b2^t)."""
        return eta, *bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)

    def rule(
        self, theta: Tensor, gradient: Tensor, scalars: Any, momentum: Tensor, velocity: Tensor, direction: Tensor
    ) -> tuple[Tensor, ...]:
        """A step of twice this direction, minus the previous one."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)
        eta, first, second = scalars
        now = momentum / first / (ops.sqrt(velocity / second) + self.epsilon)
        return theta - 2 * eta * now + eta * direction, momentum, velocity, now

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
