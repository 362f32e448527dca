"""Dense layers with noisy weights, for exploration."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class NoisyDense(keras.layers.Layer):
    """A dense layer whose weights and biases have learnt noise: `[..., D]` -> `[..., units]`.

        y = f(x (mu_w + sigma_w * e_w) + mu_b + sigma_b * e_b)

    The noise is factorised, with one draw per call for the whole batch:

        e_w = g(e_in) g(e_out)^T,  e_b = g(e_out),  g(e) = sign(e) sqrt(|e|)

    mu starts uniform in +-1/sqrt(D), sigma at sigma_0/sqrt(D).
    Source: Fortunato et al. 2018, eq. 9-11 and section 3.2.

    Args:
        units: number of outputs, >= 1.
        activation: f, a name or a function. None is linear.
        sigma: sigma_0, >= 0.
        seed: seeds weights and noise.
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[[Tensor], Tensor] | None = None,
        sigma: float = 0.5,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.sigma = validation.NOT_NEGATIVE.check("sigma", sigma)
        self.seed = seed
        self.activation = keras.activations.get(activation)
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes mu and sigma of the weights and of the biases."""
        inputs = input_shape[-1]
        bound = inputs**-0.5
        seeds = np.random.SeedSequence(self.seed).generate_state(2).tolist()
        kernel, bias = (keras.initializers.RandomUniform(-bound, bound, seed=seed) for seed in seeds)
        start = keras.initializers.Constant(self.sigma * bound)
        self.kernel = self.add_weight(shape=(inputs, self.units), initializer=kernel, name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer=bias, name="bias")
        self.kernel_sigma = self.add_weight(shape=(inputs, self.units), initializer=start, name="kernel_sigma")
        self.bias_sigma = self.add_weight(shape=(self.units,), initializer=start, name="bias_sigma")
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The noisy layer in training, the layer with the mean weights otherwise."""
        kernel, bias = self.kernel, self.bias
        if training:
            input_noise = self._noise(self.kernel.shape[0])  # g(e_in)
            output_noise = self._noise(self.units)  # g(e_out)
            kernel = kernel + self.kernel_sigma * ops.cast(input_noise[:, None] * output_noise[None, :], kernel.dtype)
            bias = bias + self.bias_sigma * ops.cast(output_noise, bias.dtype)
        return self.activation(ops.matmul(inputs, kernel) + bias)

    def _noise(self, size):
        noise = keras.random.normal((size,), dtype="float32", seed=self.generator)
        return ops.sign(noise) * ops.sqrt(ops.abs(noise))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape with `units` last."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        activation = keras.activations.serialize(self.activation)
        own = {"units": self.units, "activation": activation, "sigma": self.sigma, "seed": self.seed}
        return super().get_config() | own
