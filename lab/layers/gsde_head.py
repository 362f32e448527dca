"""Generalised state-dependent exploration."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class GSDEHead(keras.layers.Layer):
    """A Gaussian policy whose noise is a random linear function of the features z.

    Features `[..., D]` -> (loc `[..., A]`, scale `[..., A]`, factors `[..., D, A]`), where

        factors_da = z_d sigma_da
        scale_a^2 = sum_d factors_da^2 + epsilon

    An agent draws a standard normal E `[D, A]` and keeps it for many steps. Its actions are

        loc_a + sum_d factors_da E_da

    They change smoothly where z does. In a single step they are normal, with mean loc and standard
    deviation scale. sigma is learnt. No gradient flows from the scale into the features.

    Source: Raffin et al. 2022, eq. 4-6.

    Args:
        actions: A, dimensions of the action, >= 1.
        initial_log_scale: the value from which log sigma starts.
        kernel_initializer: of the linear map to loc.
        epsilon: added to the variance, > 0.
    """

    def __init__(
        self,
        actions: int,
        initial_log_scale: float = -2.0,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        epsilon: float = 1e-6,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.actions = validation.integer("actions", actions)
        self.initial_log_scale = initial_log_scale
        self.epsilon = validation.POSITIVE.check("epsilon", epsilon)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the linear map and log sigma."""
        self.loc = keras.layers.Dense(
            self.actions, kernel_initializer=self.kernel_initializer, dtype=self.dtype_policy, name="loc"
        )
        self.loc.build(input_shape)
        start = keras.initializers.Constant(self.initial_log_scale)
        self.log_scale = self.add_weight(shape=(input_shape[-1], self.actions), initializer=start, name="log_scale")

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(mean, standard deviation, factors of the noise)."""
        factors = ops.stop_gradient(inputs)[..., None] * ops.exp(self.log_scale)
        return self.loc(inputs), ops.sqrt(ops.sum(ops.square(factors), axis=-2) + self.epsilon), factors

    def host_function(self) -> Callable[[np.ndarray], Any]:
        """`call` with the current weights as a function of arrays, for `engine.host_forward`."""
        kernel = engine.read(self.loc.kernel)
        bias = engine.read(self.loc.bias)
        sigma = np.exp(engine.read(self.log_scale))

        def forward(x):
            factors = x[..., None] * sigma
            return x @ kernel + bias, np.sqrt((factors**2).sum(-2) + np.float32(self.epsilon)), factors

        return forward

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shapes of mean, standard deviation and factors."""
        shape = (*input_shape[:-1], self.actions)
        return shape, shape, (*input_shape, self.actions)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("actions", "initial_log_scale", "epsilon")
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return super().get_config() | {name: getattr(self, name) for name in names} | {"kernel_initializer": initializer}
