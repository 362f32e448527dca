"""Networks of policy-gradient agents: an actor and a critic over one observation."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from lab.data.conventions import require_channels_last
from lab.layers import RunningNormalization


def actor_critic(
    input_shape: tuple[int, ...],
    head: Callable[[keras.initializers.Initializer], keras.layers.Layer],
    *,
    torso: Callable[[int], list[keras.layers.Layer]],
    shared: bool = False,
    critic: bool = True,
    normalize: bool = False,
    head_gain: float = 0.01,
    seed: int,
) -> keras.Model:
    """An actor and a critic in one model.

        observation [B, *input_shape] -> [*parameters of the policy, value [B]]

    Args:
        input_shape: of one observation.
        head: function (initializer) -> the last layer of the actor. It is the `head` of a policy
            of `lab.agents.policies`.
        torso: function (seed) -> layers from observation to features: `dense_torso(...)` or
            `nature_torso(...)`.
        shared: whether actor and critic share the torso.
        critic: False makes the value 0 everywhere.
        normalize: whether observations are first normalised by `RunningNormalization`.
        head_gain: gain of the actor's orthogonal last layer (Andrychowicz et al. 2021: small).
            The critic's is 1.
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


def dense_torso(
    hidden: Sequence[int] = (64, 64), activation: str = "tanh", *, orthogonal: bool = True
) -> Callable[[int], list[keras.layers.Layer]]:
    """Dense layers, as function (seed) -> layers.

    Args:
        hidden: units of each layer.
        activation: of each layer.
        orthogonal: True starts kernels orthogonal with gain sqrt 2 and biases at 0. False starts
            kernels uniform in ±1/sqrt(fan_in), as those of `mlp`, and biases at 0.
    """

    def layers(seed):
        seeds = iter(np.random.SeedSequence(seed).generate_state(len(hidden)).tolist())
        flatten = [keras.layers.Flatten()]
        return flatten + [keras.layers.Dense(units, activation, **_initializers(orthogonal, next(seeds))) for units in hidden]

    return layers


def nature_torso(*, scale: float = 1 / 255) -> Callable[[int], list[keras.layers.Layer]]:
    """The convolutions of Mnih et al. 2015, as function (seed) -> layers.

        32 filters 8 x 8, stride 4;  64, 4 x 4, stride 2;  64, 3 x 3, stride 1;  dense, 512 units

    All have ReLU and start orthogonal. Images `[B, H, W, C]` have at least 36 x 36 pixels.

    Args:
        scale: pixels are multiplied by it.
    """

    def layers(seed):
        require_channels_last()
        seeds = iter(np.random.SeedSequence(seed).generate_state(4).tolist())
        shapes = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
        convolutions = [
            keras.layers.Conv2D(filters, size, stride, activation="relu", **_initializers(True, next(seeds)))
            for filters, size, stride in shapes
        ]
        dense = keras.layers.Dense(512, "relu", **_initializers(True, next(seeds)))
        return [keras.layers.Rescaling(scale), *convolutions, keras.layers.Flatten(), dense]

    return layers


def _initializers(orthogonal, seed):
    if orthogonal:
        return {"kernel_initializer": keras.initializers.Orthogonal(2**0.5, seed=seed)}
    uniform = {"mode": "fan_in", "distribution": "uniform", "scale": 1 / 3}
    return {"kernel_initializer": keras.initializers.VarianceScaling(seed=seed, **uniform)}


def _apply(layers, x):
    for layer in layers:
        x = layer(x)
    return x
