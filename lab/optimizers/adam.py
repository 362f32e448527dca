"""Adam and its variants AMSGrad and epsilon-hat."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Adam(RuleOptimizer):
    """Adaptive moments (Kingma and Ba 2015, Algorithm 1).

        m <- b1 m + (1 - b1) g
        v <- b2 v + (1 - b2) g^2
        theta <- theta - eta m^ / (sqrt(v^) + epsilon)

    where m^ = m / (1 - b1^t) and v^ = v / (1 - b2^t).

    `weight_decay` is decoupled (Loshchilov and Hutter 2019). Before the step

        theta <- theta - eta weight_decay theta

    Args:
        learning_rate: eta.
        beta_1, beta_2: b1 and b2, in [0, 1).
        epsilon: >= 0.
        amsgrad: whether v^ uses the maximum of all v so far (Reddi et al. 2018, Algorithm 2, with
            Adam's bias correction).
        epsilon_hat: whether to add epsilon to sqrt(v) instead of sqrt(v^). This is the form at the
            end of the paper's section 2, and Keras's. The step is then
            eta sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        epsilon_hat: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = validation.FRACTION.check("beta_2", beta_2)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)
        self.amsgrad = amsgrad
        self.epsilon_hat = epsilon_hat

    @property
    def slots(self) -> tuple[str, ...]:
        """Both moments and, for AMSGrad, the maximum of the second."""
        return ("momentum", "velocity", *(("greatest",) if self.amsgrad else ()))

    def scalars(self, eta: Tensor) -> Any:
        """(eta sqrt(1 - b2^t) / (1 - b1^t), the epsilon to add to sqrt(v)).

        To add epsilon to sqrt(v^) is to add epsilon sqrt(1 - b2^t) to sqrt(v).
        """
        first, second = bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)
        root = ops.sqrt(second)
        return eta * root / first, self.epsilon if self.epsilon_hat else self.epsilon * root

    def rule(
        self, theta: Tensor, gradient: Tensor, scalars: Any, momentum: Tensor, velocity: Tensor, *greatest: Tensor
    ) -> tuple[Tensor, ...]:
        """One step of Algorithm 1."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)  # m_t
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)  # v_t
        greatest = tuple(ops.maximum(value, velocity) for value in greatest)
        size, epsilon = scalars
        second = greatest[0] if self.amsgrad else velocity
        return theta - size * momentum / (ops.sqrt(second) + epsilon), momentum, velocity, *greatest

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("beta_1", "beta_2", "epsilon", "amsgrad", "epsilon_hat")
        return super().get_config() | {name: getattr(self, name) for name in names}


def bias_corrections(iterations: Tensor, beta_1: float, beta_2: float, dtype: str) -> tuple[Tensor, Tensor]:
    """(1 - b1^t, 1 - b2^t) at the step t = iterations + 1."""
    step = ops.cast(iterations + 1, dtype)
    return 1 - ops.power(ops.cast(beta_1, dtype), step), 1 - ops.power(ops.cast(beta_2, dtype), step)
