"""Generalised state-dependent exploration."""

import keras
import numpy as np
from keras import ops

from lab import engine, validation


@keras.saving.register_keras_serializable(package="lab")
class GSDEHead(keras.layers.Layer):
    """A Gaussian policy whose noise is a random linear function of the features (Raffin et al. 2022, eq. 4-6).

    Features z `[..., D]` -> (loc, scale, factors). An agent draws E `[D, A]`, standard normal, and keeps it for many steps: its actions
    are loc + sum_d factors_da E_da with factors_da = z_d sigma_da, smooth where z is. For a single step they are normal around loc
    with scale_a^2 = sum_d (z_d sigma_da)^2. sigma is learnt; no gradient flows from the scale into the features.

    Args:
        actions: A, dimensions of the action, >= 1.
        initial_log_scale: where log sigma starts.
        kernel_initializer: of the linear map to loc.
        epsilon: added to the variance, > 0.
    """

    def __init__(self, actions, initial_log_scale=-2.0, kernel_initializer="glorot_uniform", epsilon=1e-6, **options):
        super().__init__(**options)
        self.actions = validation.integer("actions", actions)
        self.initial_log_scale = initial_log_scale
        self.epsilon = validation.POSITIVE.check("epsilon", epsilon)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Makes the linear map and log sigma."""
        self.loc = keras.layers.Dense(
            self.actions, kernel_initializer=self.kernel_initializer, dtype=self.dtype_policy, name="loc"
        )
        self.loc.build(input_shape)
        start = keras.initializers.Constant(self.initial_log_scale)
        self.log_scale = self.add_weight(shape=(input_shape[-1], self.actions), initializer=start, name="log_scale")

    def call(self, inputs):
        """(mean, standard deviation, factors of the noise)."""
        factors = ops.stop_gradient(inputs)[..., None] * ops.exp(self.log_scale)
        return self.loc(inputs), ops.sqrt(ops.sum(ops.square(factors), axis=-2) + self.epsilon), factors

    def host_function(self):
        """`call` over the present weights as a function of arrays, for `engine.host_forward`."""
        kernel, bias, log_scale = (engine.read(variable) for variable in (*self.loc.variables, self.log_scale))
        sigma = np.exp(log_scale)

        def forward(x):
            factors = x[..., None] * sigma
            return x @ kernel + bias, np.sqrt((factors**2).sum(-2) + np.float32(self.epsilon)), factors

        return forward

    def compute_output_shape(self, input_shape):
        """Those of mean, deviation and factors."""
        shape = (*input_shape[:-1], self.actions)
        return shape, shape, (*input_shape, self.actions)

    def get_config(self):
        """All arguments."""
        names = ("actions", "initial_log_scale", "epsilon")
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return super().get_config() | {name: getattr(self, name) for name in names} | {"kernel_initializer": initializer}
