"""Networks of policy-gradient agents: an actor and a critic over one observation."""

import keras
import numpy as np
from keras import ops

from lab.data.conventions import require_channels_last
from lab.layers import RunningNormalization


def actor_critic(input_shape, head, *, torso, shared=False, critic=True, normalize=False, head_gain=0.01, seed):
    """A model, observation `[B, *input_shape]` -> [*parameters of the policy, value `[B]`].

    Args:
        head: a function, initializer -> the actor's last layer; `head` of a policy of `lab.agents.policies`.
        torso: a function, (seed) -> layers from observation to features: `dense_torso(...)` or `nature_torso(...)`.
        shared: whether actor and critic have the torso in common.
        critic: without one the value is 0 everywhere.
        normalize: whether observations are normalised by `RunningNormalization`, before anything else.
        head_gain: of the actor's orthogonal last layer (Andrychowicz et al. 2021: small); the critic's is 1.
        seed: of the initial weights.
    """
    for_actor, for_critic, for_policy, for_value = np.random.SeedSequence(seed).generate_state(4).tolist()
    inputs = x = keras.Input(input_shape, name="observation")
    if normalize:
        x = RunningNormalization(name="normalization")(x)
    features = _apply(torso(for_actor), x)
    parameters = head(keras.initializers.Orthogonal(head_gain, seed=for_policy))(features)
    if critic:
        last = keras.layers.Dense(1, kernel_initializer=keras.initializers.Orthogonal(1.0, seed=for_value), name="value")
        value = ops.squeeze(last(features if shared else _apply(torso(for_critic), x)), -1)
    else:
        value = ops.zeros_like(features[:, 0])
    return keras.Model(inputs, [*keras.tree.flatten(parameters), value], name="actor_critic")


def dense_torso(hidden=(64, 64), activation="tanh", *, orthogonal=True):
    """Dense layers whose kernels start orthogonal with gain sqrt 2, or uniform in ±1/sqrt(fan_in) as `mlp`'s, and without bias.

    Args:
        hidden: units of each layer.
    """

    def layers(seed):
        seeds = iter(np.random.SeedSequence(seed).generate_state(len(hidden)).tolist())
        flatten = [keras.layers.Flatten()]
        return flatten + [keras.layers.Dense(units, activation, **_start(orthogonal, next(seeds))) for units in hidden]

    return layers


def nature_torso(*, scale=1 / 255):
    """The convolutions of Mnih et al. 2015: 32 8x8/4, 64 4x4/2, 64 3x3/1, a dense layer of 512, all ReLU, orthogonal at the start.

    Images `[B, H, W, C]` of at least 36 x 36 pixels.

    Args:
        scale: pixels are multiplied by it.
    """

    def layers(seed):
        require_channels_last()
        seeds = iter(np.random.SeedSequence(seed).generate_state(4).tolist())
        shapes = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
        convolutions = [
            keras.layers.Conv2D(filters, size, stride, activation="relu", **_start(True, next(seeds)))
            for filters, size, stride in shapes
        ]
        dense = keras.layers.Dense(512, "relu", **_start(True, next(seeds)))
        return [keras.layers.Rescaling(scale), *convolutions, keras.layers.Flatten(), dense]

    return layers


def _start(orthogonal, seed):
    if orthogonal:
        return {"kernel_initializer": keras.initializers.Orthogonal(2**0.5, seed=seed)}
    uniform = {"mode": "fan_in", "distribution": "uniform", "scale": 1 / 3}
    return {"kernel_initializer": keras.initializers.VarianceScaling(seed=seed, **uniform)}


def _apply(layers, x):
    for layer in layers:
        x = layer(x)
    return x
