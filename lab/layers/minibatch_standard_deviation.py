"""A feature that tells a discriminator how varied a batch is."""

import keras
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Appends the standard deviation over groups of samples, averaged over positions and channels (Karras et al. 2018, section 3).

    `[B, H, W, C]` -> `[B, H, W, C + features]`. Sample i is in group i mod (B / group), as in the authors' code.

    Args:
        group_size: samples in a group; the batch's size must be a multiple of it, unless it is smaller and one group.
        features: channels are split into so many parts, each with its own average.
        epsilon: added to the variance, > 0.
    """

    def __init__(self, group_size=4, features=1, epsilon=1e-8, **options):
        super().__init__(**options)
        self.group_size = validation.integer("group_size", group_size)
        self.features = validation.integer("features", features)
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        """Checks the channels."""
        if input_shape[-1] % self.features:
            raise ValueError(f"features: expected a divisor of {input_shape[-1]} channels, received {self.features}.")

    def call(self, inputs):
        """The inputs and their statistic."""
        batch, height, width, channels = ops.shape(inputs)
        group = min(self.group_size, batch) if isinstance(batch, int) else ops.minimum(self.group_size, batch)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(x, (group, -1, height, width, self.features, channels // self.features))
        deviation = ops.sqrt(ops.var(x, axis=0) + self.epsilon)  # [M, H, W, F, C/F]
        statistic = ops.mean(deviation, axis=(1, 2, 4))[:, None, None, :]  # [M, 1, 1, F]
        statistic = ops.tile(statistic, (group, height, width, 1))
        statistic = ops.reshape(statistic, (-1, height, width, self.features))
        return ops.concatenate([inputs, ops.cast(statistic, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        """The input's with more channels."""
        return (*input_shape[:-1], input_shape[-1] + self.features)

    def get_config(self):
        """All arguments."""
        names = ("group_size", "features", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
