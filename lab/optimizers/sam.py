"""Sharpness-aware minimisation."""

import keras
from keras import ops

from lab import validation
from lab.optimizers.wrapper import TwoStepOptimizer


@keras.saving.register_keras_serializable(package="lab")
class SAM(TwoStepOptimizer):
    """The inner optimizer's step with the gradient at w + rho g/|g|, the worst point nearby (Foret et al. 2021, Algorithm 1, p = 2).

    |g| is the norm over all variables. Each step takes two gradients, of the same minibatch:

        optimizer.ascend(gradients at w, variables)
        optimizer.apply(gradients at w + rho g/|g|, variables)

    `apply` without `ascend` is a step of the inner optimizer.

    Args:
        inner: the optimizer that makes the step.
        rho: radius of the neighbourhood, > 0.
        name: the optimizer's name.
    """

    def __init__(self, inner, rho=0.05, *, name=None):
        super().__init__(inner, name=name)
        self.rho = validation.POSITIVE.check("rho", rho)

    def ascend(self, grads, trainable_variables=None):
        """Goes to w + rho g/|g|; a gradient of zero leaves the weights where they are."""
        grads, variables = self._leave(grads, trainable_variables)
        pairs = [(ops.convert_to_tensor(g), v) for g, v in zip(grads, variables, strict=True) if g is not None]
        norm = ops.sqrt(sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient, _ in pairs))
        scale = ops.where(norm > 0, self.rho / ops.where(norm > 0, norm, 1.0), 0.0)
        for gradient, variable in pairs:
            variable.assign_add(ops.cast(scale, variable.dtype) * ops.cast(gradient, variable.dtype))  # e^(w)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"rho": self.rho}
