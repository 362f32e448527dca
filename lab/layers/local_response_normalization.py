"""Local response normalisation."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class LocalResponseNormalization(keras.layers.Layer):
    """b_c = a_c / (k + alpha Σ a_j²)^beta over the `size` channels around c: `[..., C]` -> `[..., C]` (Krizhevsky et al. 2012, section 3.3).

    As in the paper's formula alpha weighs the sum, not the mean, of the squares.

    Args:
        size: neighbouring channels, c itself among them, odd; at the ends there are fewer.
        k, alpha, beta: the paper's 2, 1e-4 and 0.75.
    """

    def __init__(self, size=5, k=2.0, alpha=1e-4, beta=0.75, **options):
        super().__init__(**options)
        self.size = validation.integer("size", size)
        if size % 2 == 0:
            raise ValueError(f"size: expected an odd number of channels, received {size}.")
        self.k = validation.POSITIVE.check("k", k)
        self.alpha = validation.NOT_NEGATIVE.check("alpha", alpha)
        self.beta = validation.NOT_NEGATIVE.check("beta", beta)
        self.supports_masking = True

    def call(self, inputs):
        """Each channel over what its neighbours have."""
        reach = self.size // 2
        squares = ops.square(ops.cast(inputs, "float32"))  # those of float16 end at 256²
        squares = ops.pad(squares, [(0, 0)] * (len(inputs.shape) - 1) + [(reach, reach)])
        channels = inputs.shape[-1]
        total = sum(squares[..., i : i + channels] for i in range(self.size))
        return inputs * ops.cast(ops.power(self.k + self.alpha * total, -self.beta), inputs.dtype)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return tuple(input_shape)

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"size": self.size, "k": self.k, "alpha": self.alpha, "beta": self.beta}
