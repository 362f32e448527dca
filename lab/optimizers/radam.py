"""Rectified Adam."""

import math

import keras
from keras import ops

from lab import validation
from lab.optimizers.adam import bias_corrections
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class RAdam(RuleOptimizer):
    """Adam whose step is rectified while the second moment is still unreliable (Liu et al. 2020, Algorithm 2).

    With r_inf = 2/(1-b2) - 1 and r_t = r_inf - 2 t b2^t/(1-b2^t): where r_t > 4,
    theta <- theta - eta R_t m^ / (sqrt(v^) + epsilon),  R_t^2 = (r_t-4)(r_t-2) r_inf / ((r_inf-4)(r_inf-2) r_t);
    before, theta <- theta - eta m^. The threshold is the paper's 4, from step 5 on at b2 = 0.999; torch has 5, from step 6 on. The paper has
    no epsilon; it is torch's, 1e-8.

    Args:
        learning_rate: eta.
        beta_1: b1, in [0, 1).
        beta_2: b2, in (0.6, 1), for r_inf > 4.
        epsilon: >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **options):
        super().__init__(learning_rate, **options)
        validation.Interval(over=0.6, below=1).check("beta_2", beta_2)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = beta_2
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self):
        """Both moments."""
        return ("momentum", "velocity")

    def scalars(self, eta):
        """Step sizes of both cases and 1-b2^t: eta R_t/(1-b1^t) where r_t > 4, else 0; eta/(1-b1^t) where it is not, else 0."""
        first, second = bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)
        rectification, reliable = self._rectification(eta.dtype)
        return ops.where(reliable, eta * rectification / first, 0.0), ops.where(reliable, 0.0, eta / first), second

    def rule(self, theta, gradient, scalars, momentum, velocity):
        """One rectified step."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)  # m_t
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)  # v_t
        adapted, plain, second = scalars
        step = adapted * momentum / (ops.sqrt(velocity / second) + self.epsilon) + plain * momentum
        return theta - step, momentum, velocity

    def _rectification(self, dtype):
        """(R_t, whether r_t > 4) at the present step; 2 t b2^t/(1-b2^t) = 2 t/(b2^-t - 1) loses no digits as expm1."""
        step = ops.cast(self.iterations + 1, "float32")
        most = 2 / (1 - self.beta_2) - 1  # r_inf
        length = most - 2 * step / ops.expm1(-math.log(self.beta_2) * step)  # r_t
        inside = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        return ops.cast(ops.sqrt(ops.maximum(inside, 0.0)), dtype), length > 4

    def get_config(self):
        """All arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
