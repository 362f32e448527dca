"""Agents from their settings: default networks, optimizers and schedules.

One function for each algorithm. It makes the agent from the settings (`lab.agents.settings`), the
spaces of a single environment, seeds and schedules. The experiments of deep agents use them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import keras
from gymnasium.spaces import Box

from lab import layers, models
from lab.agents import settings
from lab.agents.a2c import A2C
from lab.agents.critics import Critics
from lab.agents.dqn import DQN, squared
from lab.agents.networks import FeedForward
from lab.agents.policies import GSDEPolicy, NormalPolicy, policy_for
from lab.agents.ppo import PPO
from lab.agents.recurrent_ppo import recurrent_ppo
from lab.agents.reinforce import REINFORCE
from lab.agents.replay import UniformReplay
from lab.agents.reward_scaling import RewardScaling
from lab.agents.sac import SAC, FixedTemperature, LearntTemperature
from lab.agents.td3 import TD3, GaussianNoise, clipped_noise
from lab.losses import huber_error, reinforcement
from lab.optimizers import Adam, RMSprop

BOOTSTRAPS = {
    "plain": reinforcement.q_learning_bootstrap,
    "double": reinforcement.double_q_learning_bootstrap,
    "clipped": reinforcement.clipped_double_q_learning_bootstrap,
}
LOSSES = {"huber": huber_error, "squared": squared}
CELLS = {
    "lstm": keras.layers.LSTMCell,
    "gru": keras.layers.GRUCell,
    "layer_norm_lstm": layers.LayerNormLSTMCell,
    "layer_norm_gru": layers.LayerNormGRUCell,
    "peephole_lstm": layers.PeepholeLSTMCell,
}


class Schedules(Protocol):
    """How settings change during a run."""

    def learning_rate(self, updates: int) -> Any:
        """The optimizer's step size: a number or one of Keras's schedules.

        Args:
            updates: in each call of learn.
        """

    def linear(self, start: float, end: float) -> Callable:
        """A function of environment steps, from `start` to `end` over the run."""

    def epsilon(self) -> Callable:
        """The probability of a random action, a function of environment steps."""


def dqn(config: settings.DQN, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules) -> DQN:
    """Deep Q-learning. Seeds: weights, replay, acting."""
    weights, memory, acting = seeds
    network = partial(
        models.mlp, observations.shape, config.hidden, int(actions.n), normalize=config.normalize_observations, seed=weights
    )
    rate = schedules.learning_rate(config.updates)
    return DQN(
        online=network(name="online"),
        target=network(name="target"),
        optimizer=Adam(rate, global_clipnorm=config.max_gradient_norm),
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        bootstrap=BOOTSTRAPS[config.target],
        loss=LOSSES[config.loss],
        epsilon=schedules.epsilon(),
        seed=acting,
        **_shared(config, "batch_size updates target_every polyak averaging learning_starts"),
    )


def reinforce(
    config: settings.REINFORCE, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules
) -> REINFORCE:
    """REINFORCE. Seeds: weights, acting."""
    weights, acting = seeds
    policy = policy_for(actions)
    model = models.actor_critic(
        observations.shape,
        policy.head,
        torso=models.dense_torso(config.hidden),
        critic=config.baseline,
        normalize=config.normalize_observations,
        seed=weights,
    )
    return REINFORCE(
        network=FeedForward(model, policy),
        optimizer=Adam(schedules.learning_rate(1), global_clipnorm=config.max_gradient_norm),
        seed=acting,
        **_shared(config, "normalize_advantage entropy_weight"),
    )


def a2c(config: settings.A2C, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules) -> A2C:
    """A2C. Seeds: weights, acting."""
    weights, acting = seeds
    policy = policy_for(actions)
    model = models.actor_critic(
        observations.shape,
        policy.head,
        torso=models.dense_torso(config.hidden),
        normalize=config.normalize_observations,
        seed=weights,
    )
    norm, rate = config.max_gradient_norm, schedules.learning_rate(1)
    return A2C(
        network=FeedForward(model, policy),
        optimizer=RMSprop(rate, rho=0.99, epsilon=1e-5, epsilon_inside=False, global_clipnorm=norm),
        seed=acting,
        **_shared(config, "gae_lambda entropy_weight value_weight normalize_advantage"),
    )


def ppo(config: settings.PPO, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules) -> PPO:
    """PPO. Seeds: weights, acting."""
    weights, acting = seeds
    policy = _policy(config, actions)
    dense = models.dense_torso(config.hidden, config.activation, orthogonal=config.orthogonal)
    model = models.actor_critic(
        observations.shape,
        policy.head,
        torso=models.nature_torso() if config.network == "nature" else dense,
        shared=config.shared,
        normalize=config.normalize_observations,
        seed=weights,
    )
    rate = schedules.learning_rate(config.epochs * config.minibatches)
    clip_end = config.clip if config.clip_end is None else config.clip_end
    return PPO(
        network=FeedForward(model, policy),
        optimizer=Adam(rate, global_clipnorm=config.max_gradient_norm, epsilon=1e-5),
        rewards=RewardScaling(config.num_envs, config.discount) if config.normalize_rewards else None,
        clip=schedules.linear(config.clip, clip_end),
        entropy_weight=schedules.linear(config.entropy_weight, config.entropy_weight_end),
        seed=acting,
        **_shared(config, "gae_lambda epochs minibatches value_clip value_weight target_kl normalize_advantage"),
    )


def ppo_with_memory(
    config: settings.RecurrentPPO, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules
) -> PPO:
    """Recurrent PPO. Seeds: weights, acting."""
    weights, acting = seeds
    policy = policy_for(actions)
    build = models.recurrent_actor_critic(
        observations.shape,
        policy.head,
        cell=CELLS[config.cell],
        units=config.units,
        hidden=config.hidden,
        activation="relu",
        normalize=config.normalize_observations,
        seed=weights,
    )
    rate = schedules.learning_rate(config.epochs * config.minibatches)
    return recurrent_ppo(
        build=build,
        policy=policy,
        num_envs=config.num_envs,
        optimizer=Adam(rate, global_clipnorm=config.max_gradient_norm, epsilon=1e-5),
        clip=schedules.linear(config.clip, 0.0),
        seed=acting,
        **_shared(config, "gae_lambda epochs minibatches entropy_weight"),
    )


def sac(config: settings.SAC, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules) -> SAC:
    """SAC. Seeds: actor, two critics, replay, acting."""
    actor, *critics, memory, acting = seeds
    dimensions, rate = int(actions.shape[0]), config.learning_rate
    temperature: Any = FixedTemperature(config.initial_temperature)
    if config.temperature == "learnt":
        target, initial = config.target_entropy, config.initial_temperature
        temperature = LearntTemperature(dimensions, Adam(rate), target_entropy=target, initial=initial)
    return SAC(
        actor=models.gaussian_actor(observations.shape, dimensions, config.hidden, seed=actor),
        critics=_critics(config, observations.shape, dimensions, critics),
        optimizer=Adam(rate),
        temperature=temperature,
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        action_space=actions,
        seed=acting,
        **_shared(config, "batch_size updates learning_starts"),
    )


def td3(config: settings.TD3, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules) -> TD3:
    """TD3. Seeds: actor, replay, acting, critics."""
    actor, memory, acting, *critics = seeds
    dimensions = int(actions.shape[0])
    actors = [
        models.deterministic_actor(observations.shape, dimensions, config.hidden, seed=actor, name=name)
        for name in ("actor", "target_actor")
    ]
    return TD3(
        actor=actors[0],
        target_actor=actors[1],
        critics=_critics(config, observations.shape, dimensions, critics),
        optimizer=Adam(config.learning_rate),
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        action_space=actions,
        noise=GaussianNoise(config.noise),
        smoothing=clipped_noise(config.smoothing, config.smoothing_clip),
        seed=acting,
        **_shared(config, "policy_delay batch_size updates learning_starts"),
    )


def _critics(config, shape, dimensions, seeds):
    """Critics and their targets, each pair from one seed."""
    return Critics(
        [models.critic(shape, dimensions, config.hidden, seed=seed) for seed in seeds],
        [models.critic(shape, dimensions, config.hidden, seed=seed, name="target_critic") for seed in seeds],
        Adam(config.learning_rate),
        polyak=config.polyak,
    )


def _policy(config, space):
    """PPO's policy for an action space."""
    if not isinstance(space, Box):
        return policy_for(space)
    if config.gsde:
        noise = {"num_envs": config.num_envs, "features": config.hidden[-1], "redraw_every": config.gsde}
        return GSDEPolicy(space, initial_log_scale=config.initial_log_scale, **noise)
    return NormalPolicy(space, initial_log_scale=config.initial_log_scale)


def _shared(config, names):
    """The arguments that have the names of settings: these, discount and rollout_length."""
    return {name: getattr(config, name) for name in ("discount", "rollout_length", *names.split())}
