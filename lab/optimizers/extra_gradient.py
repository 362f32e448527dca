"""The extragradient method, for two-player games."""

import keras

from lab.engine.types import Tensor
from lab.optimizers.wrapper import TwoStepOptimizer


@keras.saving.register_keras_serializable(package="lab")
class ExtraGradient(TwoStepOptimizer):
    """Steps with the gradient of an extrapolated point w'.

        w' = w - eta d(w)
        w <- w - eta d(w')

    d is the direction of the inner optimizer. With SGD inside this is the extragradient method,
    with Adam inside it is ExtraAdam, whose moments are updated at both steps.

    Each step needs two gradients. In a game both players extrapolate before one of them applies:

        optimizer.extrapolate(gradients at w, variables)
        optimizer.apply(gradients at w', variables)

    Source: Korpelevich 1976; Gidel et al. 2019, Algorithms 2 and 4.

    `apply` without `extrapolate` is a step of the inner optimizer.

    Args:
        inner: the optimizer that makes both steps.
        name: the optimizer's name.
    """

    def extrapolate(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Moves the weights to w'. `apply` expects the gradient there."""
        self.inner.apply(*self._store_weights(grads, trainable_variables))
