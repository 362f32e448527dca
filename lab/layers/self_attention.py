"""Self-attention over the positions of a feature map."""

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable(package="lab")
class SelfAttention2D(keras.layers.Layer):
    """x + gamma v(softmax(f(x)^T g(x)) h(x)), all maps 1x1 convolutions (Zhang et al. 2019, eq. 1-3).

    `[B, H, W, C]` -> the same. Each position attends to all others. gamma starts at 0, so that the layer starts as the identity. The
    paper halves the channels of h and brings them back with v, and so does this.

    Args:
        reduction: channels of f and g are C / reduction, >= 1.
        seed: of the maps, uniform after Glorot at the start.
        spectral: whether the maps have spectral norm 1, as in the paper's players.
    """

    def __init__(self, reduction=8, seed=None, spectral=False, **options):
        super().__init__(**options)
        self.reduction = validation.integer("reduction", reduction)
        self.seed = seed
        self.spectral = spectral
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
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

    def call(self, inputs, training=None):
        """The inputs and what their positions see in each other."""
        options = {"training": training} if self.spectral else {}
        batch, height, width, channels = ops.shape(inputs)
        query, key, value = (
            ops.reshape(seen := layer(inputs, **options), (batch, height * width, seen.shape[-1]))
            for layer in (self.query, self.key, self.value)
        )
        attention = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))), axis=-1)  # beta, [B, N, N]
        seen = self.output_map(ops.matmul(attention, value), **options)
        return inputs + self.gamma * ops.reshape(seen, (batch, height, width, channels))

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"reduction": self.reduction, "seed": self.seed, "spectral": self.spectral}
