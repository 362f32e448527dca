"""Gradients as tensors: TensorFlow gives an embedding's as rows and their indices, the same index many times."""

import keras
from keras import ops


def dense(gradients, variables):
    """The gradients as tensors of their variables' shapes; rows of one index are summed, None stays."""
    return [_summed(gradient, variable) for gradient, variable in zip(gradients, variables, strict=True)]


def _summed(gradient, variable):
    if type(gradient).__name__ != "IndexedSlices":  # of TensorFlow, which this file does not import
        return gradient
    return ops.segment_sum(gradient.values, gradient.indices, variable.shape[0])


class DenseOptimizer(keras.optimizers.Optimizer):
    """An optimizer that sees each gradient whole.

    Squares and norms of single rows are not those of their sum. So the rows of one index are summed before anything else happens to them:
    before unscaling, accumulation, clipping and the rule. Rows without a gradient have gradient 0. The rule holds for them too: they move
    by their momentum and decay, as on JAX and torch.
    """

    def apply(self, grads, trainable_variables=None):
        """One step with these gradients, one per variable: tensors, rows with their indices, or None."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) == len(variables):  # if not, Keras says so
            grads = dense(grads, variables)
        super().apply(grads, trainable_variables)
