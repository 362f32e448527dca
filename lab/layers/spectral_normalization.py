"""Spectral normalisation, as a function of the weights."""

import keras
import numpy as np
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class SpectralNormalization(keras.layers.Wrapper):
    """The inner layer with W / sigma(W) for its kernel W, sigma the largest singular value (Miyato et al. 2018, Algorithm 1).

    W is the matrix `[inputs, outputs]` of all axes but the last. sigma = v^T W u, where u and v, through which no gradient flows,
    follow W by power iteration: v <- Wu/|Wu|, u <- W^T v/|W^T v|. The gradient flows through sigma (eq. 7-9), and the kernel itself is
    never overwritten, as Keras's own layer does.

    u and v start exact (an eigenvalue decomposition of the smaller side, when the layer is built) and are brought forward whenever the kernel is another
    one than before, while training, so that many calls within one step, on real and on fake samples, are one iteration.

    The inner layer computes by its own dtype policy. The outputs have this layer's dtype.

    Args:
        layer: a layer with a kernel, such as Dense, Conv or Embedding.
        power_iterations: for each new kernel, >= 1.
        epsilon: keeps norms and sigma from 0, so that a kernel of zeros stays one.
    """

    def __init__(self, layer, power_iterations=1, epsilon=1e-12, **options):
        super().__init__(layer, **options)
        self.power_iterations = validation.integer("power_iterations", power_iterations)
        self.epsilon = epsilon

    def build(self, input_shape=None):
        """Builds the inner layer, u, v, and the kernel they belong to."""
        super().build(input_shape)
        matrix = (-1, self._kernel().shape[-1])
        rows = int(np.prod(self._kernel().shape[:-1]))
        options = {"trainable": False, "dtype": "float32", "autocast": False}

        def kernel(shape, dtype=None):
            return ops.copy(ops.reshape(ops.cast(self._kernel(), "float32"), matrix))  # not the kernel's own buffer

        def right(shape, dtype=None):
            return ops.convert_to_tensor(right_vector(ops.convert_to_numpy(kernel(None))))

        def left(shape, dtype=None):
            return self._unit(ops.matmul(kernel(None), ops.convert_to_tensor(self.u)))

        self.u = self.add_weight(shape=matrix[1:], initializer=right, name="u", **options)
        self.v = self.add_weight(shape=(rows,), initializer=left, name="v", **options)
        self.seen = self.add_weight(shape=(rows, matrix[1]), initializer=kernel, name="seen", **options)

    def call(self, inputs, training=None):
        """The inner layer's output with the normalised kernel."""
        kernel = ops.convert_to_tensor(self._kernel())
        matrix = ops.reshape(ops.cast(kernel, "float32"), self.seen.shape)
        u, v = self._vectors(ops.stop_gradient(matrix), training)
        sigma = ops.maximum(ops.sum(v * ops.matmul(matrix, u)), self.epsilon)
        values = [(variable, variable.value) for variable in self.layer.variables if variable is not self._kernel()]
        values.append((self._kernel(), ops.cast(ops.divide(kernel, sigma), kernel.dtype)))
        with keras.StatelessScope(state_mapping=values):
            return ops.cast(self.layer(inputs), self.compute_dtype)

    def _vectors(self, matrix, training):
        """(u, v) for this kernel: the stored ones, brought forward if it is a new one."""
        start_u, start_v = ops.copy(self.u), ops.copy(self.v)
        u = start_u
        for _ in range(self.power_iterations):
            v = self._unit(ops.matmul(matrix, u))
            u = self._unit(ops.matmul(v, matrix))
        new = ops.any(ops.not_equal(matrix, self.seen))
        u, v = ops.where(new, u, start_u), ops.where(new, v, start_v)
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

    def compute_output_shape(self, input_shape):
        """The inner layer's."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"power_iterations": self.power_iterations, "epsilon": self.epsilon}


def right_vector(matrix):
    """u of a matrix's greatest singular value: W^T W u = sigma^2 u, or W^T v where W W^T is the smaller one."""
    rows, columns = matrix.shape
    if columns <= rows:
        return np.linalg.eigh(matrix.T @ matrix)[1][:, -1]
    u = matrix.T @ np.linalg.eigh(matrix @ matrix.T)[1][:, -1]
    norm = np.linalg.norm(u)
    return (
        u / norm if norm else np.eye(1, columns, dtype=matrix.dtype)[0]
    )  # of zeros any unit vector, from which iterations go on
