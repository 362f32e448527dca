"""Networks for continuous actions: actors and a critic. Their weights start as those of `mlp`."""

from collections.abc import Sequence

import keras
import numpy as np

from lab.layers import GaussianHead
from lab.models.mlp import mlp


def gaussian_actor(
    observation_shape: tuple[int, ...],
    actions: int,
    hidden: Sequence[int],
    *,
    activation: str = "relu",
    seed: int,
    name: str = "actor",
) -> keras.Model:
    """The mean and the standard deviation of each action before tanh.

        observation [B, *observation_shape] -> [mean [B, actions], standard deviation [B, actions]]

    The logarithm of the standard deviation depends on the observation and lies in [-20, 2]
    (Haarnoja et al. 2018).

    Args:
        observation_shape: of one observation.
        actions: dimensions of the action.
        hidden: units of each hidden layer, at least one.
        activation: of the hidden layers.
        seed: of the initial weights.
        name: of the model.
    """
    seeds = np.random.SeedSequence(seed).generate_state(5).tolist()
    body = mlp(observation_shape, hidden[:-1], hidden[-1], activation=activation, seed=seeds[0], name="body")
    features = keras.layers.Activation(activation, name="features")(body.outputs[0])
    head = GaussianHead(actions, name="head")
    model = keras.Model(body.inputs[0], head(features), name=name)
    bound = hidden[-1] ** -0.5
    for weight, one in zip(head.trainable_variables, seeds[1:], strict=True):
        weight.assign(keras.initializers.RandomUniform(-bound, bound, seed=one)(weight.shape))
    return model


def deterministic_actor(
    observation_shape: tuple[int, ...],
    actions: int,
    hidden: Sequence[int],
    *,
    activation: str = "relu",
    seed: int,
    name: str = "actor",
) -> keras.Model:
    """Observation `[B, *observation_shape]` -> action in -1..1, `[B, actions]`, by tanh.

    Args: those of `gaussian_actor`.
    """
    body = mlp(observation_shape, hidden, actions, activation=activation, seed=seed, name="body")
    return keras.Model(body.inputs[0], keras.layers.Activation("tanh", name="action")(body.outputs[0]), name=name)


def critic(
    observation_shape: tuple[int, ...],
    actions: int,
    hidden: Sequence[int],
    *,
    activation: str = "relu",
    seed: int,
    name: str = "critic",
) -> keras.Model:
    """The value of an action.

        [observation [B, *observation_shape], action [B, actions]] -> value [B, 1]

    The flattened observation and the action enter the first layer side by side (Fujimoto et al.
    2018). In Lillicrap et al. 2016 the action enters the second layer.

    Args: those of `gaussian_actor`.
    """
    observation = keras.Input(observation_shape, name="observation")
    action = keras.Input((actions,), name="action")
    flat = observation if len(observation_shape) == 1 else keras.layers.Flatten(name="flatten")(observation)
    both = keras.layers.Concatenate(name="both")([flat, action])
    body = mlp((int(both.shape[-1]),), hidden, 1, activation=activation, seed=seed, name="body")
    return keras.Model([observation, action], body(both), name=name)
