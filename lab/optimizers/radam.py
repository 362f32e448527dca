"""Rectified Adam."""

import math
from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.adam import bias_corrections
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class RAdam(RuleOptimizer):
    """Adam whose first steps are rectified (Liu et al. 2020, Algorithm 2).

    The second moment is unreliable at first. Its length r_t says how far one can trust it:

        r_inf = 2 / (1 - b2) - 1
        r_t = r_inf - 2 t b2^t / (1 - b2^t)

    The step depends on it:

        theta <- theta - eta R_t m^ / (sqrt(v^) + epsilon)  where r_t > 4
        theta <- theta - eta m^  elsewhere
        R_t^2 = (r_t - 4) (r_t - 2) r_inf / ((r_inf - 4) (r_inf - 2) r_t)

    The threshold 4 is the paper's: at b2 = 0.999 it holds from step 5. torch has 5, from step 6.
    The paper has no epsilon. The default is torch's.

    Args:
        learning_rate: eta.
        beta_1: b1, in [0, 1).
        beta_2: b2, in (0.6, 1), so that r_inf > 4.
        epsilon: >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        validation.Interval(over=0.6, below=1).check("beta_2", beta_2)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = beta_2
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self) -> tuple[str, ...]:
        """Both moments."""
        return ("momentum", "velocity")

    def scalars(self, eta: Tensor) -> Any:
        """(step size with r_t > 4, step size without, 1 - b2^t).

        One of both sizes is 0. The first is eta R_t / (1 - b1^t), the second eta / (1 - b1^t).
        """
        first, second = bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)
        rectification, reliable = self._rectification(eta.dtype)
        return ops.where(reliable, eta * rectification / first, 0.0), ops.where(reliable, 0.0, eta / first), second

    def rule(self, theta: Tensor, gradient: Tensor, scalars: Any, momentum: Tensor, velocity: Tensor) -> tuple[Tensor, ...]:
        """One rectified step."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)  # m_t
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)  # v_t
        adapted, plain, second = scalars
        step = adapted * momentum / (ops.sqrt(velocity / second) + self.epsilon) + plain * momentum
        return theta - step, momentum, velocity

    def _rectification(self, dtype):
        """(R_t, whether r_t > 4) at the current step.

        2 t b2^t / (1 - b2^t) is 2 t / (b2^-t - 1). With expm1 it loses no digits.
        """
        step = ops.cast(self.iterations + 1, "float32")
        most = 2 / (1 - self.beta_2) - 1  # r_inf
        length = most - 2 * step / ops.expm1(-math.log(self.beta_2) * step)  # r_t
        square = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)  # R_t^2
        return ops.cast(ops.sqrt(ops.maximum(square, 0.0)), dtype), length > 4

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
