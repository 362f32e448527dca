"""Penalties on weights, for a layer's `kernel_regularizer`."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class L1(keras.regularizers.Regularizer):
    """factor sum |w|.

    Args:
        factor: >= 0.
    """

    def __init__(self, factor: float = 0.01) -> None:
        self.factor = validation.NOT_NEGATIVE.check("factor", factor)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty, a scalar."""
        return self.factor * ops.sum(ops.abs(x))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"factor": self.factor}


@keras.saving.register_keras_serializable(package="lab")
class L2(keras.regularizers.Regularizer):
    """factor sum w^2, as in Keras.

    With half=True it is factor sum w^2 / 2, whose gradient is factor w.

    Args:
        factor: >= 0.
        half: whether the sum is halved.
    """

    def __init__(self, factor: float = 0.01, half: bool = False) -> None:
        self.factor = validation.NOT_NEGATIVE.check("factor", factor)
        self.half = half

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty, a scalar."""
        return self.factor * (0.5 if self.half else 1.0) * ops.sum(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"factor": self.factor, "half": self.half}


@keras.saving.register_keras_serializable(package="lab")
class L1L2(keras.regularizers.Regularizer):
    """l1 sum |w| + l2 sum w^2, the penalty of the elastic net (Zou and Hastie 2005).

    Args:
        l1, l2: factors, >= 0.
        half: whether the sum of squares is halved.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, half: bool = False) -> None:
        self.l1 = validation.NOT_NEGATIVE.check("l1", l1)
        self.l2 = validation.NOT_NEGATIVE.check("l2", l2)
        self.half = half

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty, a scalar."""
        squares = self.l2 * (0.5 if self.half else 1.0) * ops.sum(ops.square(x))
        return self.l1 * ops.sum(ops.abs(x)) + squares

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"l1": self.l1, "l2": self.l2, "half": self.half}


@keras.saving.register_keras_serializable(package="lab")
class Orthogonal(keras.regularizers.Regularizer):
    """factor |W^T W - I|^2, with the squared Frobenius norm.

    W is the kernel as a matrix `[inputs, units]`: all axes but the last become one. If there are
    more units than inputs, W W^T replaces W^T W.

    Source: Brock et al. 2017, eq. 3, squared; Bansal et al. 2018, eq. 1.

    Args:
        factor: >= 0.
    """

    def __init__(self, factor: float = 1e-4) -> None:
        self.factor = validation.NOT_NEGATIVE.check("factor", factor)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty, a scalar."""
        matrix = _matrix(x)
        if matrix.shape[0] < matrix.shape[1]:
            matrix = ops.transpose(matrix)
        gram = ops.matmul(ops.transpose(matrix), matrix)
        return self.factor * ops.sum(ops.square(gram - ops.eye(gram.shape[0], dtype=gram.dtype)))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"factor": self.factor}


@keras.saving.register_keras_serializable(package="lab")
class Spectral(keras.regularizers.Regularizer):
    """factor sigma(W)^2 / 2, with the largest singular value sigma.

    W is the kernel as a matrix, as in `Orthogonal`. A singular value decomposition makes the value
    exact, and the gradient too: factor sigma u v^T. Source: Yoshida and Miyato 2017, eq. 3.

    Args:
        factor: >= 0.
    """

    def __init__(self, factor: float = 0.01) -> None:
        self.factor = validation.NOT_NEGATIVE.check("factor", factor)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty, a scalar."""
        matrix = _matrix(x)
        left, _, right = ops.svd(ops.stop_gradient(matrix), full_matrices=False)
        u, v = ops.stop_gradient(left[:, :1]), ops.stop_gradient(right[:1])
        sigma = ops.sum(u * matrix * v)  # u^T W v
        return 0.5 * self.factor * ops.square(sigma)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"factor": self.factor}


def _matrix(kernel):
    if len(kernel.shape) < 2:
        raise ValueError(f"kernel: expected at least 2 axes, received shape {tuple(kernel.shape)}.")
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
