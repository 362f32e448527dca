"""Agents from their settings: default networks, optimizers and schedules.

One function for each algorithm. It makes the agent from the settings (`lab.agents.settings`), the
spaces of a single environment, seeds and schedules. The experiments of deep agents use them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras

from lab import layers, models, renamed
from lab.agents import building_networks, inputs, settings
from lab.agents.a2c import A2C
from lab.agents.ddpg import DDPG
from lab.agents.dqn import DQN
from lab.agents.own import Own
from lab.agents.policies import policy_for
from lab.agents.ppo import PPO
from lab.agents.recurrent_ppo import RecurrentPPO
from lab.agents.reinforce import REINFORCE
from lab.agents.replay import UniformReplay
from lab.agents.reward_scaling import RewardScaling
from lab.agents.sac import SAC, FixedTemperature, LearntTemperature
from lab.agents.td3 import TD3, GaussianNoise, clipped_noise
from lab.losses import half_squared_error, huber_error, reinforcement
from lab.optimizers import Adam, RMSprop

NOTHING = Own()
BOOTSTRAPS = {
    "plain": reinforcement.q_learning_bootstrap,
    "double": reinforcement.double_q_learning_bootstrap,
    "clipped": reinforcement.clipped_double_q_learning_bootstrap,
}
LOSSES = {"huber": huber_error, "squared": half_squared_error}
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


def dqn(
    config: settings.DQN, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> DQN:
    """Deep Q-learning. Seeds: weights, replay, acting."""
    weights, memory, acting = seeds
    rate, norm = schedules.learning_rate(config.updates), config.max_gradient_norm

    def network(name):
        given = own.network_for(observations, "network", weights, again=name == "target")
        if given is not None:
            return given
        return inputs.network(
            observations,
            lambda shape, normalize: models.mlp(
                shape, config.hidden, int(actions.n), normalize=normalize, seed=weights, name=name
            ),
            normalize=config.normalize_observations,
            seed=weights,
        )

    return DQN(
        online=network("online"),
        target=network("target"),
        optimizer=next(own.optimizers(rate, norm, lambda: Adam(rate, global_clipnorm=norm))),
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        bootstrap=BOOTSTRAPS[config.target],
        loss=LOSSES[config.loss],
        epsilon=own.schedule("epsilon") or schedules.epsilon(),
        seed=acting,
        **_shared(config, "batch_size updates target_every polyak averaging learning_starts"),
    )


def reinforce(
    config: settings.REINFORCE,
    observations: Any,
    actions: Any,
    seeds: Sequence[int],
    schedules: Schedules,
    own: Own = NOTHING,
) -> REINFORCE:
    """REINFORCE. Seeds: weights, acting."""
    weights, acting = seeds
    policy, torso = policy_for(actions), models.dense_torso(config.hidden)
    rate, norm = schedules.learning_rate(1), config.max_gradient_norm
    return REINFORCE(
        network=building_networks.actor_critic(config, observations, policy, weights, own, torso=torso, critic=config.baseline),
        optimizer=next(own.optimizers(rate, norm, lambda: Adam(rate, global_clipnorm=norm))),
        seed=acting,
        **_shared(config, "normalize_advantage entropy_weight"),
    )


def a2c(
    config: settings.A2C, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> A2C:
    """A2C. Seeds: weights, acting."""
    weights, acting = seeds
    policy, torso = policy_for(actions), models.dense_torso(config.hidden)
    rate, norm = schedules.learning_rate(1), config.max_gradient_norm

    def rmsprop():
        return RMSprop(rate, rho=0.99, epsilon=1e-5, epsilon_inside=False, global_clipnorm=norm)

    return A2C(
        network=building_networks.actor_critic(config, observations, policy, weights, own, torso=torso),
        optimizer=next(own.optimizers(rate, norm, rmsprop)),
        seed=acting,
        **_shared(config, "gae_lambda entropy_weight value_weight normalize_advantage"),
    )


def ppo(
    config: settings.PPO, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> PPO:
    """PPO. Seeds: weights, acting."""
    weights, acting = seeds
    dense = models.dense_torso(config.hidden, config.activation, orthogonal=config.orthogonal)
    torso = models.nature_torso() if config.network == "nature" else dense
    options = {"torso": torso, "shared": config.shared}
    rate, norm = schedules.learning_rate(config.epochs * config.minibatches), config.max_gradient_norm
    clip_end = config.clip if config.clip_end is None else config.clip_end
    return PPO(
        network=building_networks.actor_critic(
            config, observations, building_networks.policy(config, actions), weights, own, **options
        ),
        optimizer=next(own.optimizers(rate, norm, lambda: Adam(rate, global_clipnorm=norm, epsilon=1e-5))),
        rewards=RewardScaling(config.num_envs, config.discount) if config.normalize_rewards else None,
        clip=schedules.linear(config.clip, clip_end),
        entropy_weight=schedules.linear(config.entropy_weight, config.entropy_weight_end),
        seed=acting,
        **_shared(config, "gae_lambda epochs minibatches value_clip value_weight target_kl normalize_advantage"),
    )


def recurrent_ppo(
    config: settings.RecurrentPPO,
    observations: Any,
    actions: Any,
    seeds: Sequence[int],
    schedules: Schedules,
    own: Own = NOTHING,
) -> RecurrentPPO:
    """Recurrent PPO. Seeds: weights, acting."""
    weights, acting = seeds
    policy = policy_for(actions)

    def build(shape, normalize):
        options = {"cell": CELLS[config.cell], "units": config.units, "hidden": config.hidden, "activation": "relu"}
        return models.recurrent_actor_critic(shape, policy.head, **options, normalize=normalize, seed=weights)

    given = own.made("network", weights)
    if isinstance(given, keras.Model):
        raise ValueError(
            "network: expected a function (observation space, action space) -> (a function of the number of steps -> "
            "model), as lab.models.recurrent_actor_critic returns, received a Keras model."
        )
    normalize = config.normalize_observations
    rate, norm = schedules.learning_rate(config.epochs * config.minibatches), config.max_gradient_norm
    return RecurrentPPO(
        build=given or inputs.recurrent_network(observations, build, normalize=normalize, seed=weights),
        policy=policy,
        num_envs=config.num_envs,
        optimizer=next(own.optimizers(rate, norm, lambda: Adam(rate, global_clipnorm=norm, epsilon=1e-5))),
        clip=schedules.linear(config.clip, 0.0),
        seed=acting,
        **_shared(config, "gae_lambda epochs minibatches entropy_weight"),
    )


def sac(
    config: settings.SAC, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> SAC:
    """SAC. Seeds: actor, two critics, replay, acting."""
    actor, *critics, memory, acting = seeds
    dimensions, rate = int(actions.shape[0]), config.learning_rate
    optimizers = own.optimizers(rate, None, lambda: Adam(rate))

    def build(shape, normalize):
        return models.gaussian_actor(shape, dimensions, config.hidden, seed=actor)

    temperature: Any = FixedTemperature(config.initial_temperature)
    first = next(optimizers)
    if config.temperature == "learnt":
        target, initial = config.target_entropy, config.initial_temperature
        temperature = LearntTemperature(dimensions, next(optimizers), target_entropy=target, initial=initial)
    return SAC(
        actor=building_networks.actor("actor", actor, observations, build, own),
        critics=building_networks.critics(config, observations, dimensions, critics, next(optimizers), own),
        optimizer=first,
        temperature=temperature,
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        action_space=actions,
        seed=acting,
        **_shared(config, "batch_size updates learning_starts"),
    )


def td3(
    config: settings.TD3, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> TD3:
    """TD3. Seeds: actor, replay, acting, critics."""
    noise, smoothing = GaussianNoise(config.noise), clipped_noise(config.smoothing, config.smoothing_clip)
    options: Any = {"noise": noise, "smoothing": smoothing, "policy_delay": config.policy_delay}
    return TD3(**options, **_deterministic(config, observations, actions, seeds, own))


def ddpg(
    config: settings.DDPG, observations: Any, actions: Any, seeds: Sequence[int], schedules: Schedules, own: Own = NOTHING
) -> DDPG:
    """DDPG with independent normal noise. Seeds: those of `td3`."""
    return DDPG(noise=GaussianNoise(config.noise), **_deterministic(config, observations, actions, seeds, own))


def _deterministic(config, observations, actions, seeds, own):
    """What TD3 and DDPG have in common."""
    actor, memory, acting, *critics = seeds
    dimensions, rate = int(actions.shape[0]), config.learning_rate
    optimizers = own.optimizers(rate, None, lambda: Adam(rate))

    def network(name):
        def build(shape, normalize):
            return models.deterministic_actor(shape, dimensions, config.hidden, seed=actor, name=name)

        return building_networks.actor(name, actor, observations, build, own)

    return {
        "actor": network("actor"),
        "target_actor": network("target_actor"),
        "optimizer": next(optimizers),
        "critics": building_networks.critics(config, observations, dimensions, critics, next(optimizers), own),
        "replay": UniformReplay(config.buffer_size, observations, actions, seed=memory),
        "action_space": actions,
        "seed": acting,
        **_shared(config, "batch_size updates learning_starts"),
    }


def _shared(config, names):
    """The arguments that have the names of settings: these, discount and rollout_length."""
    return {name: getattr(config, name) for name in ("discount", "rollout_length", *names.split())}


class Builder(NamedTuple):
    """How an algorithm is made from its settings."""

    settings: type  # of `lab.agents.settings`
    build: Callable[..., Any]  # of this module
    count: Callable[[Any], int]  # settings -> how many seeds it needs


BUILDERS = {
    DQN: Builder(settings.DQN, dqn, lambda config: 3),
    REINFORCE: Builder(settings.REINFORCE, reinforce, lambda config: 2),
    A2C: Builder(settings.A2C, a2c, lambda config: 2),
    PPO: Builder(settings.PPO, ppo, lambda config: 2),
    RecurrentPPO: Builder(settings.RecurrentPPO, recurrent_ppo, lambda config: 2),
    DDPG: Builder(settings.DDPG, ddpg, lambda config: 3 + config.critics),
    TD3: Builder(settings.TD3, td3, lambda config: 3 + config.critics),
    SAC: Builder(settings.SAC, sac, lambda config: 5),
}

__getattr__ = renamed(__name__, {"ppo_with_memory": "recurrent_ppo"})
