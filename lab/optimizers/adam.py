"""Adam, with its variants AMSGrad and epsilon-hat."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Adam(RuleOptimizer):
    """Adaptive moments (Kingma and Ba 2015, Algorithm 1).

        m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;  theta <- theta - eta m^ / (sqrt(v^) + epsilon)

    where m^ = m/(1-b1^t) and v^ = v/(1-b2^t). `weight_decay` is decoupled: theta <- theta - eta
    weight_decay theta before the step (Loshchilov and Hutter 2019).

    Args:
        learning_rate: eta.
        beta_1, beta_2: b1 and b2, in [0, 1).
        epsilon: >= 0.
        amsgrad: v^ from the greatest v so far (Reddi et al. 2018, Algorithm 2, with Adam's bias correction).
        epsilon_hat: the form before the paper's section 2.1, eta sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + epsilon), which is Keras's.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False, epsilon_hat=False, **options
    ):
        super().__init__(learning_rate, **options)
        self.beta_1 = validation.FRACTION.check("beta_1", beta_1)
        self.beta_2 = validation.FRACTION.check("beta_2", beta_2)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)
        self.amsgrad, self.epsilon_hat = amsgrad, epsilon_hat

    @property
    def slots(self):
        """Both moments and, for AMSGrad, the greatest second one."""
        return ("momentum", "velocity", *(("greatest",) if self.amsgrad else ()))

    def scalars(self, eta):
        """The step's size eta sqrt(1-b2^t)/(1-b1^t), and the epsilon beside sqrt(v): that beside sqrt(v^) is smaller by sqrt(1-b2^t)."""
        first, second = bias_corrections(self.iterations, self.beta_1, self.beta_2, eta.dtype)
        root = ops.sqrt(second)
        return eta * root / first, self.epsilon if self.epsilon_hat else self.epsilon * root

    def rule(self, theta, gradient, scalars, momentum, velocity, *greatest):
        """One step of Algorithm 1."""
        momentum = momentum + (1 - self.beta_1) * (gradient - momentum)  # m_t
        velocity = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)  # v_t
        greatest = tuple(ops.maximum(value, velocity) for value in greatest)
        size, epsilon = scalars
        return theta - size * momentum / (ops.sqrt((greatest or (velocity,))[0]) + epsilon), momentum, velocity, *greatest

    def get_config(self):
        """All arguments."""
        names = ("beta_1", "beta_2", "epsilon", "amsgrad", "epsilon_hat")
        return super().get_config() | {name: getattr(self, name) for name in names}


def bias_corrections(iterations, beta_1, beta_2, dtype):
    """1 - b1^t and 1 - b2^t at the step t = iterations + 1."""
    step = ops.cast(iterations + 1, dtype)
    return 1 - ops.power(ops.cast(beta_1, dtype), step), 1 - ops.power(ops.cast(beta_2, dtype), step)
