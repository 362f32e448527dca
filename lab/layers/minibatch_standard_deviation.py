"""A feature that tells a discriminator how diverse a batch is."""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Appends the standard deviation over a group of samples as further channels.

    `[B, H, W, C]` -> `[B, H, W, C + features]`. The standard deviation is averaged over positions
    and channels. Sample i belongs to group i mod (B / group_size), as in the authors' code.

    Source: Karras et al. 2018, section 3.

    Args:
        group_size: samples in a group. The batch size must be a multiple of it or smaller. A
            smaller batch is one group.
        features: number of parts into which the channels are split, each with its own average.
        epsilon: added to the variance, > 0.
    """

    def __init__(self, group_size: int = 4, features: int = 1, epsilon: float = 1e-8, **options: Any) -> None:
        super().__init__(**options)
        self.group_size = validation.integer("group_size", group_size)
        self.features = validation.integer("features", features)
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Checks the number of channels."""
        if input_shape[-1] % self.features:
            raise ValueError(f"features: expected a divisor of {input_shape[-1]} channels, received {self.features}.")

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs and their standard deviation."""
        batch, height, width, channels = ops.shape(inputs)
        group = min(self.group_size, batch) if isinstance(batch, int) else ops.minimum(self.group_size, batch)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(x, (group, -1, height, width, self.features, channels // self.features))
        standard_deviation = ops.sqrt(ops.var(x, axis=0) + self.epsilon)  # [M, H, W, F, C/F]
        statistic = ops.mean(standard_deviation, axis=(1, 2, 4))[:, None, None, :]  # [M, 1, 1, F]
        statistic = ops.tile(statistic, (group, height, width, 1))
        statistic = ops.reshape(statistic, (-1, height, width, self.features))
        return ops.concatenate([inputs, ops.cast(statistic, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `features` more channels."""
        return (*input_shape[:-1], input_shape[-1] + self.features)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("group_size", "features", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
