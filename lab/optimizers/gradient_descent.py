"""Gradient descent on the whole data set, with a line search."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.dense import dense
from lab.optimizers.rule import LearningRate, RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class GradientDescent(RuleOptimizer):
    """theta <- theta - eta grad J(theta), where J is the loss of all data (Cauchy 1847).

    `line_search` chooses eta.

    Args:
        learning_rate: eta, and the first step size that `line_search` tries.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate: LearningRate = 0.01, **options: Any) -> None:
        super().__init__(learning_rate, **options)

    def rule(self, theta: Tensor, gradient: Tensor, eta: Tensor) -> tuple[Tensor, ...]:
        """One step against the gradient."""
        return (theta - eta * gradient,)

    def line_search(
        self,
        loss: Callable[[], Tensor],
        gradients: Sequence[Tensor],
        variables: Sequence[keras.Variable],
        *,
        shrink: float = 0.5,
        slope: float = 1e-4,
        tries: int = 50,
    ) -> tuple[float, float]:
        """Makes a step that decreases the loss sufficiently (Armijo 1966).

        The step size is the first of eta, shrink eta, shrink^2 eta, ... with

            J(theta - eta g) <= J(theta) - slope eta |g|^2.

        This is an eager loop: it reads the loss after each try.

        Args:
            loss: a function without arguments; J at the variables' current values, a scalar.
            gradients: of J at the current values, one per variable.
            variables: theta.
            shrink: factor between two tries, in (0, 1).
            slope: the fraction of the decrease predicted by the gradient, in (0, 1).
            tries: evaluations of J before giving up. The variables are then unchanged.

        Returns:
            (eta, J) after the step. eta is 0.0 if no try was good.
        """
        validation.POSITIVE.check("shrink", validation.FRACTION.check("shrink", shrink))
        validation.POSITIVE.check("slope", validation.FRACTION.check("slope", slope))
        start = [ops.stop_gradient(ops.copy(variable)) for variable in variables]
        gradients = [ops.convert_to_tensor(gradient) for gradient in dense(gradients, variables)]
        before = _number(loss())
        square = _number(sum(ops.sum(ops.square(gradient)) for gradient in gradients))  # |g|^2
        eta = _number(self.learning_rate)
        for _ in range(tries):
            for variable, value, gradient in zip(variables, start, gradients, strict=True):
                variable.assign(value - eta * gradient)
            now = _number(loss())
            if now <= before - slope * eta * square:
                return eta, now
            eta *= shrink
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        return 0.0, before


def _number(scalar):
    return float(ops.convert_to_numpy(scalar))
