"""Dense gradients of embeddings.

TensorFlow gives the gradient of an embedding as rows with their indices. An index may repeat.
"""

from collections.abc import Iterable

import keras
from keras import ops

from lab.engine.types import Tensor


def dense(gradients: Iterable[Tensor], variables: Iterable[keras.Variable]) -> list[Tensor]:
    """The gradients as tensors of their variables' shapes. Sums rows of one index, keeps None."""
    return [_summed(gradient, variable) for gradient, variable in zip(gradients, variables, strict=True)]


def _summed(gradient, variable):
    if type(gradient).__name__ != "IndexedSlices":  # TensorFlow's class, which this file does not import
        return gradient
    return ops.segment_sum(gradient.values, gradient.indices, variable.shape[0])


class DenseOptimizer(keras.optimizers.Optimizer):
    """An optimizer that receives dense gradients.

    The square or norm of single rows is not that of their sum. So rows of one index are summed
    before everything else: before unscaling, accumulation, clipping and the update rule. A row
    without a gradient has gradient 0. Momentum and weight decay still move it, as on JAX and torch.
    """

    def apply(self, grads: list[Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        """One step. There is one gradient per variable: a tensor, rows with indices, or None."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) == len(variables):  # if not, Keras raises the error
            grads = dense(grads, variables)
        super().apply(grads, trainable_variables)
