"""Self-attention over the positions of a feature map."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable(package="lab")
class SelfAttention2D(keras.layers.Layer):
    """Self-attention over all positions, added to the input: `[B, H, W, C]` -> the same.

        x + gamma v(softmax(f(x)^T g(x)) h(x))

    f, g, h and v are 1x1 convolutions. As in the paper, h halves the channels and v restores them.
    gamma starts at 0, so the layer starts as the identity.

    Source: Zhang et al. 2019, eq. 1-3.

    Args:
        reduction: f and g have C / reduction channels; >= 1.
        seed: seeds the four maps, which start Glorot uniform.
        spectral: whether the maps have spectral norm 1, as in the paper's networks.
    """

    def __init__(self, reduction: int = 8, seed: int | None = None, spectral: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.reduction = validation.integer("reduction", reduction)
        self.seed = seed
        self.spectral = spectral
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the four maps and gamma."""
        channels = input_shape[-1]
        inner, half = max(channels // self.reduction, 1), max(channels // 2, 1)
        seeds = [None] * 4 if self.seed is None else np.random.SeedSequence(self.seed).generate_state(4).tolist()
        units, names = (inner, inner, half, channels), ("query", "key", "value", "output")
        starts = [keras.initializers.GlorotUniform(seed) for seed in seeds]
        maps = [
            keras.layers.Dense(count, use_bias=False, kernel_initializer=start, dtype=self.dtype_policy, name=name)
            for count, start, name in zip(units, starts, names)
        ]
        if self.spectral:
            maps = [SpectralNormalization(layer, dtype=self.dtype_policy, name=layer.name) for layer in maps]
        self.query, self.key, self.value, self.output_map = maps
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        self.output_map.build((*input_shape[:-1], half))
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The inputs plus gamma times the attention's output."""
        options = {"training": training} if self.spectral else {}
        batch, height, width, channels = ops.shape(inputs)

        def by_position(layer):
            mapped = layer(inputs, **options)
            return ops.reshape(mapped, (batch, height * width, mapped.shape[-1]))

        query = by_position(self.query)
        key = by_position(self.key)
        value = by_position(self.value)
        scores = ops.cast(ops.matmul(query, ops.transpose(key, (0, 2, 1))), "float32")
        attention = ops.cast(ops.softmax(scores, axis=-1), value.dtype)  # beta, [B, N, N]
        attended = self.output_map(ops.matmul(attention, value), **options)
        return inputs + self.gamma * ops.reshape(attended, (batch, height, width, channels))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"reduction": self.reduction, "seed": self.seed, "spectral": self.spectral}
