"""Stochastic gradient descent."""

import keras

from lab.optimizers.rule import RuleOptimizer


@keras.saving.register_keras_serializable(package="lab")
class SGD(RuleOptimizer):
    """theta <- theta - eta g, with the gradient g of a minibatch (Robbins and Monro 1951).

    Args:
        learning_rate: eta.
        **options: see `RuleOptimizer`.
    """

    def __init__(self, learning_rate=0.01, **options):
        super().__init__(learning_rate, **options)

    def rule(self, theta, gradient, eta):
        """One step against the gradient."""
        return (theta - eta * gradient,)
