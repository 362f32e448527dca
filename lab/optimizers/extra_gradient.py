"""Extragradient, for two-player games."""

import keras

from lab.optimizers.wrapper import TwoStepOptimizer


@keras.saving.register_keras_serializable(package="lab")
class ExtraGradient(TwoStepOptimizer):
    """Steps with the gradient of a point ahead (Korpelevich 1976; Gidel et al. 2019, Algorithms 2 and 4).

        w' = w - eta d(w);  w <- w - eta d(w')

    where d is the inner optimizer's direction. With SGD inside it is the extragradient method, with Adam inside ExtraAdam, whose moments move at both steps.
    Each step takes two gradients; in a game both players extrapolate before either applies:

        optimizer.extrapolate(gradients at w, variables)
        optimizer.apply(gradients at w', variables)

    `apply` without `extrapolate` is a step of the inner optimizer.

    Args:
        inner: the optimizer that makes both steps.
        name: the optimizer's name.
    """

    def extrapolate(self, grads, trainable_variables=None):
        """Goes to w', the point where the next gradient is wanted."""
        self.inner.apply(*self._leave(grads, trainable_variables))
