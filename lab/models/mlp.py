"""Multilayer perceptron."""

from collections.abc import Sequence

import keras
import numpy as np

from lab.layers import RunningNormalization


def mlp(
    input_shape: tuple[int, ...],
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: str = "relu",
    normalize: bool = False,
    seed: int,
    name: str = "mlp",
) -> keras.Sequential:
    """Dense layers: input `[B, *input_shape]`, flattened -> output `[B, outputs]`, linear.

    Weights and biases start uniform in ±1/sqrt(fan_in), so with variance 1/(3 fan_in). That is
    LeCun et al. 1998, "Efficient BackProp", up to a constant. It is also the default of torch and
    so of Stable-Baselines3.

    Args:
        input_shape: of one input.
        hidden: units of each hidden layer.
        outputs: units of the last layer.
        activation: of the hidden layers.
        normalize: whether inputs are first normalised by `RunningNormalization`.
        seed: of the initial weights.
        name: of the model.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * (len(hidden) + 1)).tolist())
    layers = [keras.Input(input_shape)]
    if normalize:
        layers.append(RunningNormalization(name="normalization"))
    if len(input_shape) > 1:
        layers.append(keras.layers.Flatten(name="flatten"))
    fan_in = int(np.prod(input_shape))
    for position, units in enumerate([*hidden, outputs]):
        last = position == len(hidden)
        bound = fan_in**-0.5
        layers.append(
            keras.layers.Dense(
                units,
                activation=None if last else activation,
                kernel_initializer=keras.initializers.RandomUniform(-bound, bound, seed=next(seeds)),
                bias_initializer=keras.initializers.RandomUniform(-bound, bound, seed=next(seeds)),
                name="output" if last else f"hidden_{position}",
            )
        )
        fan_in = units
    return keras.Sequential(layers, name=name)
