"""Dense layers whose weights are noisy, for exploration."""

import keras
import numpy as np
from keras import ops

from lab import validation


@keras.saving.register_keras_serializable(package="lab")
class NoisyDense(keras.layers.Layer):
    """f(x (mu_w + sigma_w * e_w) + mu_b + sigma_b * e_b): `[..., D]` -> `[..., units]` (Fortunato et al. 2018, eq. 9).

    Factorised noise, eq. 10-11: e_w = g(e_in) g(e_out)^T, e_b = g(e_out), g(e) = sign(e) sqrt(|e|), one draw per call for the whole
    batch. mu starts uniform in +-1/sqrt(D), sigma at sigma_0/sqrt(D) (section 3.2).

    Args:
        units: outputs, >= 1.
        activation: f, a name or function; None is linear.
        sigma: sigma_0, >= 0.
        seed: seeds weights and noise.
    """

    def __init__(self, units, activation=None, sigma=0.5, seed=None, **options):
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.sigma = validation.NOT_NEGATIVE.check("sigma", sigma)
        self.seed = seed
        self.activation = keras.activations.get(activation)
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Makes mu and sigma of weights and biases."""
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

    def call(self, inputs, training=None):
        """The noisy layer while training, that of the mean weights otherwise."""
        kernel, bias = self.kernel, self.bias
        if training:
            into, out = (self._noise(size) for size in (self.kernel.shape[0], self.units))  # g(e_in), g(e_out)
            kernel = kernel + self.kernel_sigma * ops.cast(into[:, None] * out[None, :], kernel.dtype)
            bias = bias + self.bias_sigma * ops.cast(out, bias.dtype)
        return self.activation(ops.matmul(inputs, kernel) + bias)

    def _noise(self, size):
        noise = keras.random.normal((size,), dtype="float32", seed=self.generator)
        return ops.sign(noise) * ops.sqrt(ops.abs(noise))

    def compute_output_shape(self, input_shape):
        """The input's with `units` last."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """All arguments."""
        activation = keras.activations.serialize(self.activation)
        own = {"units": self.units, "activation": activation, "sigma": self.sigma, "seed": self.seed}
        return super().get_config() | own
