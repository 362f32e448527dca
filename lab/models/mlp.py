"""Multilayer perceptron."""

import keras
import numpy as np

from lab.layers import RunningNormalization


def mlp(input_shape, hidden, outputs, *, activation="relu", normalize=False, seed, name="mlp"):
    """A Sequential of Dense layers: input `[B, *input_shape]`, flattened -> output `[B, outputs]`, linear.

    Weights and biases are uniform in ±1/sqrt(fan_in) (LeCun et al. 1998, "Efficient BackProp", up to a constant: the
    variance is 1/(3 fan_in)), which is also what torch and so Stable-Baselines3's networks start from.

    Args:
        hidden: units of each hidden layer.
        normalize: whether inputs are first normalised by `RunningNormalization`.
        seed: seeds the initial weights.
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
