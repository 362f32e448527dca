"""Gradient descent on a whole data set, with a line search."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.dense import dense
from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class GradientDescent(RuleOptimizer):
    """theta <- theta - eta grad J(theta) (Cauchy 1847), where J is a full-batch loss; see `line_search` for eta.

    Args:
        learning_rate: eta; the first step that `line_search` tries.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.01, **options):
        super().__init__(learning_rate, **options)

    def rule(self, theta, gradient, eta):
        """One step against the gradient."""
        return (theta - eta * gradient,)

    def line_search(self, loss, gradients, variables, *, shrink=0.5, slope=1e-4, tries=50):
        """Makes a step that decreases the loss enough (Armijo 1966).

        Its size is the first of eta, shrink eta, shrink^2 eta, ... with

            J(theta - eta g) <= J(theta) - slope eta |g|^2.

        An eager loop: it looks at the loss between two tries.

        Args:
            loss: function of nothing, J at the variables' present values, a scalar.
            gradients: of J at the present values, one per variable.
            shrink: factor between two tries, in (0, 1).
            slope: share of the decrease that the gradient promises, in (0, 1).
            tries: evaluations of J before giving up; the variables are then as before.

        Returns:
            (eta, J) of the step; eta is 0.0 where no try was good.
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
