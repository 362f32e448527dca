"""Lookahead."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.wrapper import WrapperOptimizer, choose


@keras.saving.register_keras_serializable(package="lab")
class Lookahead(WrapperOptimizer):
    """After every k steps of the inner optimizer, phi <- phi + alpha (theta - phi);  theta <- phi (Zhang et al. 2019, Algorithm 1).

    theta are the model's (fast) weights, phi the slow ones, which start as theta at the first step. Between two synchronisations
    the model holds theta; the inner optimizer's slots go on.

    Args:
        inner: the optimizer of the fast weights.
        interval: k, steps between two synchronisations, >= 1.
        alpha: step size of the slow weights, in (0, 1].
        name: the optimizer's name.
    """

    def __init__(self, inner, interval=5, alpha=0.5, *, name=None):
        super().__init__(inner, name=name)
        self.interval = validation.integer("interval", interval)
        self.alpha = validation.SHARE.check("alpha", alpha)

    def apply(self, grads, trainable_variables=None):
        """A step of the inner optimizer and, after every `interval` of them, a synchronisation."""
        grads, variables, slow = self._known(grads, trainable_variables)
        before = self.inner.iterations
        for phi, theta in zip(slow, variables, strict=True):
            phi.assign(choose(ops.equal(before, 0), theta, phi))
        self.inner.apply(grads, variables)
        due = ops.equal(self.inner.iterations % self.interval, 0)  # at 0, while gradients accumulate, both are equal
        for phi, theta in zip(slow, variables, strict=True):
            phi.assign(choose(due, phi + self.alpha * (theta - phi), phi))
            theta.assign(choose(due, phi, theta))

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"interval": self.interval, "alpha": self.alpha}
