"""Networks of agents from their settings, or from what a user passes in place of them."""

from functools import partial

import keras
import numpy as np
from gymnasium.spaces import Box

from lab import models
from lab.agents import inputs
from lab.agents.critics import Critics
from lab.agents.networks import FeedForward
from lab.agents.parts import mask_size
from lab.agents.policies import GSDEPolicy, NormalPolicy, policy_for


def actor(name, seed, observations, build, own):
    """The actor of SAC, TD3 and DDPG, or its target."""
    given = own.network_for(observations, "network", seed, again=name != "actor", scores=False)
    return inputs.network(observations, build, seed=seed, scores=False) if given is None else given


def critics(config, observations, dimensions, seeds, optimizer, own):
    """Critics and their targets, each pair from one seed."""

    def network(name, position, seed):
        again = position > 0 or name != "critic"
        given = own.network_for(observations, "critic", seed, again=again, scores=False, others=[(dimensions,)])
        if given is not None:
            return given
        return inputs.network(
            observations,
            lambda shape, normalize: models.critic(shape, dimensions, config.hidden, seed=seed, name=name),
            seed=seed,
            scores=False,
        )

    online, targets = ([network(name, *each) for each in enumerate(seeds)] for name in ("critic", "target_critic"))
    return Critics(online, targets, optimizer, polyak=config.polyak)


def actor_critic(config, observations, policy, seed, own, **options):
    """The network of REINFORCE, A2C and PPO.

    A user's model with a single output gives features, from which heads make policy and value.
    """
    given = own.made("network", seed)
    if given is None:
        plain = getattr(config, "network", "dense") in ("flat", "nature")
        build = partial(_default, policy, seed, options)
        normalize = config.normalize_observations
        if plain and not mask_size(observations):
            return FeedForward(build(observations.shape, normalize), policy)
        return FeedForward(inputs.network(observations, build, normalize=normalize, seed=seed), policy)

    def heads(outputs):
        if len(outputs) > 1:
            return outputs
        if len(outputs[0].shape) != 2:
            expected = f"features [B, F], or outputs {policy.meaning} and a value"
            raise ValueError(f"network: expected {expected}, received {list(outputs[0].shape)}.")
        for_policy, for_value = np.random.SeedSequence((seed, 2)).generate_state(2).tolist()
        parameters = policy.head(keras.initializers.Orthogonal(0.01, seed=for_policy))(outputs[0])
        value = keras.layers.Dense(1, kernel_initializer=keras.initializers.Orthogonal(1.0, seed=for_value), name="value")
        return [*keras.tree.flatten(parameters), keras.ops.squeeze(value(outputs[0]), -1)]

    several = len(getattr(given, "outputs", None) or ()) > 1
    return FeedForward(inputs.own_network(observations, given, name="network", finish=list if several else heads), policy)


def _default(policy, seed, options, shape, normalize):
    return models.actor_critic(shape, policy.head, normalize=normalize, seed=seed, **options)


def policy(config, space):
    """PPO's policy for an action space."""
    if not isinstance(space, Box):
        return policy_for(space)
    if config.gsde:
        noise = {"num_envs": config.num_envs, "features": config.hidden[-1], "redraw_every": config.gsde}
        return GSDEPolicy(space, initial_log_scale=config.initial_log_scale, **noise)
    return NormalPolicy(space, initial_log_scale=config.initial_log_scale)
