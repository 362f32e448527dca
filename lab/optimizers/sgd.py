"""Stochastic gradient descent."""

from typing import Any

import keras

from lab.engine.types import Tensor
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class SGD(RuleOptimizer):
    """theta <- theta - eta g, with the gradient g of a minibatch (Robbins and Monro 1951).

    Args:
        learning_rate: eta.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate: LearningRate = 0.01, **options: Any) -> None:
        super().__init__(learning_rate, **options)

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor) -> tuple[Tensor, ...]:
        """One step against the gradient."""
        return (theta - eta * gradient,)
