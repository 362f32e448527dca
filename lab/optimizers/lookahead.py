"""The Lookahead optimizer."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.wrapper import WrapperOptimizer, choose


@keras.saving.register_keras_serializable(package="lab")
class Lookahead(WrapperOptimizer):
    """Averages the weights after every k steps of the inner optimizer.

        phi <- phi + alpha (theta - phi)
        theta <- phi

    theta are the fast weights, those of the model. phi are the slow weights. They start equal to
    theta at the first step. The synchronisation does not change the inner optimizer's slots.

    Source: Zhang et al. 2019, Algorithm 1.

    Args:
        inner: the optimizer of the fast weights.
        interval: k, steps between two synchronisations, >= 1.
        alpha: step size of the slow weights, in (0, 1].
        name: the optimizer's name.
    """

    def __init__(
        self, inner: keras.optimizers.Optimizer, interval: int = 5, alpha: float = 0.5, *, name: str | None = None
    ) -> None:
        super().__init__(inner, name=name)
        self.interval = validation.integer("interval", interval)
        self.alpha = validation.SHARE.check("alpha", alpha)

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """A step of the inner optimizer. Every `interval` steps a synchronisation follows."""
        grads, variables, slow = self._prepare(grads, trainable_variables)
        before = self.inner.iterations
        for phi, theta in zip(slow, variables, strict=True):
            phi.assign(choose(ops.equal(before, 0), theta, phi))
        self.inner.apply(grads, variables)
        due = ops.equal(self.inner.iterations % self.interval, 0)  # at 0 steps, while gradients accumulate, phi is theta
        for phi, theta in zip(slow, variables, strict=True):
            phi.assign(choose(due, phi + self.alpha * (theta - phi), phi))
            theta.assign(choose(due, phi, theta))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"interval": self.interval, "alpha": self.alpha}
