"""Adagrad."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Adagrad(RuleOptimizer):
    """s <- s + g^2;  theta <- theta - eta g / sqrt(s + epsilon) (Duchi et al. 2011, diagonal form; s starts at 0.1 as in Keras).

    Args:
        learning_rate: eta.
        initial_accumulator_value: s at the start, >= 0.
        epsilon: added inside the root, >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **options):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = validation.NOT_NEGATIVE.check("initial_accumulator_value", initial_accumulator_value)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self):
        """The sum of squares s."""
        return ("accumulator",)

    def initial(self, slot):
        """The sum of squares at the start."""
        return self.initial_accumulator_value

    def rule(self, theta, gradient, eta, accumulator):
        """One step, scaled by the squares so far."""
        accumulator = accumulator + ops.square(gradient)
        return theta - eta * gradient / ops.sqrt(accumulator + self.epsilon), accumulator

    def get_config(self):
        """All arguments."""
        return super().get_config() | {
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
