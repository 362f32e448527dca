"""Instance normalisation."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class InstanceNormalization(keras.layers.Layer):
    """Normalises each channel of each sample, then scales and shifts it.

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Mean and variance are over the positions of one sample, in float32. So a sample's output does
    not depend on the others, and training and inference are the same. gamma starts at 1, beta at 0.

    Input and output: `[B, *spatial, C]`.
    Source: Ulyanov et al. 2016, eq. 2; with gamma and beta Dumoulin et al. 2017, eq. 5.

    Args:
        epsilon: added to the variance, > 0.
        scale: whether there is a gamma.
        center: whether there is a beta.
    """

    def __init__(self, epsilon: float = 1e-5, *, scale: bool = True, center: bool = True, **options: Any) -> None:
        super().__init__(**options)
        validation.POSITIVE.check("epsilon", epsilon)
        self.epsilon = epsilon
        self.scale = scale
        self.center = center

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes gamma and beta `[C]`."""
        if len(input_shape) < 3:
            raise ValueError(f"inputs: expected [B, *spatial, C], received {tuple(input_shape)}.")
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma") if self.scale else None
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta") if self.center else None

    def call(self, inputs: Tensor) -> Tensor:
        """Normalises the inputs."""
        x = instance_normalized(ops.cast(inputs, "float32"), self.epsilon)
        if self.gamma is not None:
            x = x * ops.cast(self.gamma, "float32")
        if self.beta is not None:
            x = x + ops.cast(self.beta, "float32")
        return ops.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"epsilon": self.epsilon, "scale": self.scale, "center": self.center}


def instance_normalized(x: Tensor, epsilon: float) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) of each channel of each sample `[B, *spatial, C]`."""
    mean, variance = ops.moments(x, axes=tuple(range(1, len(x.shape) - 1)), keepdims=True)
    return (x - mean) * ops.rsqrt(variance + epsilon)
