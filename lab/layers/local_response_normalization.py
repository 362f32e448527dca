"""Local response normalisation."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each channel by a power of the squares of its neighbours: `[..., C]` -> `[..., C]`.

        b_c = a_c / (k + alpha sum_j a_j^2)^beta

    The sum is over the `size` channels around c. alpha multiplies the sum, not the mean, as in the
    paper. Source: Krizhevsky et al. 2012, section 3.3.

    Args:
        size: number of channels in the sum, c included, odd. At both ends there are fewer.
        k, alpha, beta: the constants of the formula. The defaults are the paper's.
    """

    def __init__(self, size: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options: Any) -> None:
        super().__init__(**options)
        self.size = validation.integer("size", size)
        if size % 2 == 0:
            raise ValueError(f"size: expected an odd number of channels, received {size}.")
        self.k = validation.POSITIVE.check("k", k)
        self.alpha = validation.NOT_NEGATIVE.check("alpha", alpha)
        self.beta = validation.NOT_NEGATIVE.check("beta", beta)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        """The normalised channels."""
        reach = self.size // 2
        squares = ops.square(ops.cast(inputs, "float32"))  # in float16 the square of 256 is infinite
        squares = ops.pad(squares, [(0, 0)] * (len(inputs.shape) - 1) + [(reach, reach)])
        channels = inputs.shape[-1]
        total = sum(squares[..., i : i + channels] for i in range(self.size))
        return inputs * ops.cast(ops.power(self.k + self.alpha * total, -self.beta), inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"size": self.size, "k": self.k, "alpha": self.alpha, "beta": self.beta}
