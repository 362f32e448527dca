"""Networks for continuous actions: actors and a critic. Weights start as those of `mlp` do."""

import keras
import numpy as np

from lab.layers import GaussianHead
from lab.models.mlp import mlp


def gaussian_actor(observation_shape, actions, hidden, *, activation="relu", seed, name="actor"):
    """Observation `[B, *observation_shape]` -> mean and standard deviation of each action before tanh, `[B, actions]` each.

    The logarithm of the deviation looks at the observation and lies in [-20, 2] (Haarnoja et al. 2018).

    Args:
        actions: dimensions of the action.
        hidden: units of each hidden layer, at least one.
        seed: seeds the initial weights.
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


def deterministic_actor(observation_shape, actions, hidden, *, activation="relu", seed, name="actor"):
    """Observation `[B, *observation_shape]` -> action in the unit cube, `[B, actions]`, by tanh.

    Args: those of `gaussian_actor`.
    """
    body = mlp(observation_shape, hidden, actions, activation=activation, seed=seed, name="body")
    return keras.Model(body.inputs[0], keras.layers.Activation("tanh", name="action")(body.outputs[0]), name=name)


def critic(observation_shape, actions, hidden, *, activation="relu", seed, name="critic"):
    """[observation `[B, *observation_shape]`, action `[B, actions]`] -> value of the action, `[B, 1]`.

    Observation, flattened, and action enter the first layer side by side (Fujimoto et al. 2018; in Lillicrap et al. 2016 the
    action enters the second).

    Args: those of `gaussian_actor`.
    """
    observation, action = keras.Input(observation_shape, name="observation"), keras.Input((actions,), name="action")
    flat = observation if len(observation_shape) == 1 else keras.layers.Flatten(name="flatten")(observation)
    both = keras.layers.Concatenate(name="both")([flat, action])
    body = mlp((int(both.shape[-1]),), hidden, 1, activation=activation, seed=seed, name="body")
    return keras.Model([observation, action], body(both), name=name)
