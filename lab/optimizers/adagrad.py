"""Adagrad."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class Adagrad(RuleOptimizer):
    """Adaptive subgradients, in diagonal form (Duchi et al. 2011).

        s <- s + g^2
        theta <- theta - eta g / sqrt(s + epsilon)

    Args:
        learning_rate: eta.
        initial_accumulator_value: s at the start, >= 0. The default is Keras's.
        epsilon: added inside the root, >= 0.
        **options: see `RuleOptimizer`.
    """

    def __init__(
        self, learning_rate: LearningRate = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = validation.NOT_NEGATIVE.check("initial_accumulator_value", initial_accumulator_value)
        self.epsilon = validation.NOT_NEGATIVE.check("epsilon", epsilon)

    @property
    def slots(self) -> tuple[str, ...]:
        """The sum of squared gradients s."""
        return ("accumulator",)

    def initial(self, slot: str) -> float:
        """s at the start."""
        return self.initial_accumulator_value

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor, accumulator: Tensor) -> tuple[Tensor, ...]:
        """One step, divided by the root of the sum of squares."""
        accumulator = accumulator + ops.square(gradient)
        return theta - eta * gradient / ops.sqrt(accumulator + self.epsilon), accumulator

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
