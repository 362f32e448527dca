"""Spectral normalisation as a function of the weights."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class SpectralNormalization(keras.layers.Wrapper):
    """Runs the inner layer with W / sigma(W) in place of its kernel W.

    sigma(W) is the largest singular value of the kernel as a matrix `[inputs, outputs]`: all axes
    but the last become one. Power iteration computes it:

        v <- W u / |W u|,  u <- W^T v / |W^T v|,  sigma = v^T W u

    The gradient flows through sigma, but not through u and v (Miyato et al. 2018, Algorithm 1 and
    eq. 7-9). The kernel itself is never overwritten. Keras's own layer overwrites it.

    When the layer is built, u and v are exact: they come from an eigenvalue decomposition of the
    smaller side. In training, one update follows each change of the kernel. So several calls
    within one training step, on real and on fake samples, make one update.

    The inner layer computes with its own dtype policy. The outputs have this layer's dtype.

    Args:
        layer: a layer with a kernel, such as Dense, Conv or Embedding.
        power_iterations: iterations for each new kernel, >= 1.
        epsilon: lower bound of norms and of sigma. It keeps a kernel of zeros at zero.
    """

    def __init__(self, layer: keras.layers.Layer, power_iterations: int = 1, epsilon: float = 1e-12, **options: Any) -> None:
        super().__init__(layer, **options)
        self.power_iterations = validation.integer("power_iterations", power_iterations)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[Any, ...] | None = None) -> None:
        """Builds the inner layer, u, v, and a copy of the kernel that they belong to."""
        super().build(input_shape)
        matrix = (-1, self._kernel().shape[-1])
        rows = int(np.prod(self._kernel().shape[:-1]))
        options = {"trainable": False, "dtype": "float32", "autocast": False}

        def kernel(shape, dtype=None):
            return ops.copy(ops.reshape(ops.cast(self._kernel(), "float32"), matrix))  # `copy`: not the kernel's own buffer

        def right(shape, dtype=None):
            return ops.convert_to_tensor(right_vector(ops.convert_to_numpy(kernel(None))))

        def left(shape, dtype=None):
            return self._unit(ops.matmul(kernel(None), ops.convert_to_tensor(self.u)))

        self.u = self.add_weight(shape=matrix[1:], initializer=right, name="u", **options)
        self.v = self.add_weight(shape=(rows,), initializer=left, name="v", **options)
        self.seen = self.add_weight(shape=(rows, matrix[1]), initializer=kernel, name="seen", **options)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The output of the inner layer with the normalised kernel."""
        kernel = ops.convert_to_tensor(self._kernel())
        matrix = ops.reshape(ops.cast(kernel, "float32"), self.seen.shape)
        u, v = self._vectors(ops.stop_gradient(matrix), training)
        sigma = ops.maximum(ops.sum(v * ops.matmul(matrix, u)), self.epsilon)
        values = [(variable, variable.value) for variable in self.layer.variables if variable is not self._kernel()]
        values.append((self._kernel(), ops.cast(ops.divide(kernel, sigma), kernel.dtype)))
        with keras.StatelessScope(state_mapping=values):
            return ops.cast(self.layer(inputs), self.compute_dtype)

    def _vectors(self, matrix, training):
        """(u, v) for this kernel: the stored ones, or updated ones if the kernel has changed."""
        stored_u, stored_v = ops.copy(self.u), ops.copy(self.v)
        u = stored_u
        for _ in range(self.power_iterations):
            v = self._unit(ops.matmul(matrix, u))
            u = self._unit(ops.matmul(v, matrix))
        changed = ops.any(ops.not_equal(matrix, self.seen))
        u, v = ops.where(changed, u, stored_u), ops.where(changed, v, stored_v)
        if training:
            self.u.assign(u)
            self.v.assign(v)
            self.seen.assign(ops.copy(matrix))
        return ops.stop_gradient(u), ops.stop_gradient(v)

    def _unit(self, x):
        return x / ops.maximum(ops.sqrt(ops.sum(ops.square(x))), self.epsilon)

    def _kernel(self):
        for name in ("kernel", "embeddings"):
            if getattr(self.layer, name, None) is not None:
                return getattr(self.layer, name)
        raise ValueError(f"layer: expected a layer with a kernel, received {type(self.layer).__name__}.")

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The output shape of the inner layer."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"power_iterations": self.power_iterations, "epsilon": self.epsilon}


def right_vector(matrix: np.ndarray) -> np.ndarray:
    """The right singular vector u of the largest singular value of W.

    It solves W^T W u = sigma^2 u. If W W^T is smaller, u is W^T v / |W^T v|. For a matrix of zeros
    it is a unit vector, from which power iteration can start.
    """
    rows, columns = matrix.shape
    if columns <= rows:
        return np.linalg.eigh(matrix.T @ matrix)[1][:, -1]
    u = matrix.T @ np.linalg.eigh(matrix @ matrix.T)[1][:, -1]
    norm = np.linalg.norm(u)
    return u / norm if norm else np.eye(1, columns, dtype=matrix.dtype)[0]
