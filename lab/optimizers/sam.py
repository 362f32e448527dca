"""Sharpness-aware minimisation."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.optimizers.wrapper import TwoStepOptimizer


@keras.saving.register_keras_serializable(package="lab")
class SAM(TwoStepOptimizer):
    """Steps with the gradient of the worst point nearby, w + rho g / |g|.

    |g| is the norm over all variables. Each step needs two gradients of the same minibatch:

        optimizer.ascend(gradients at w, variables)
        optimizer.apply(gradients at w + rho g / |g|, variables)

    Source: Foret et al. 2021, Algorithm 1, with p = 2.

    `apply` without `ascend` is a step of the inner optimizer.

    Args:
        inner: the optimizer that makes the step.
        rho: radius of the neighbourhood, > 0.
        name: the optimizer's name.
    """

    def __init__(self, inner: keras.optimizers.Optimizer, rho: float = 0.05, *, name: str | None = None) -> None:
        super().__init__(inner, name=name)
        self.rho = validation.POSITIVE.check("rho", rho)

    def ascend(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Moves the weights to w + rho g / |g|. A gradient of zero does not move them."""
        grads, variables = self._store_weights(grads, trainable_variables)
        pairs = [(ops.convert_to_tensor(g), v) for g, v in zip(grads, variables, strict=True) if g is not None]
        norm = ops.sqrt(sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient, _ in pairs))
        scale = ops.where(norm > 0, self.rho / ops.where(norm > 0, norm, 1.0), 0.0)
        for gradient, variable in pairs:
            variable.assign_add(ops.cast(scale, variable.dtype) * ops.cast(gradient, variable.dtype))  # e^(w)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"rho": self.rho}
