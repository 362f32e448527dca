"""PPO as its experiments run it; each has its own defaults over `lab.agents.settings.PPO`."""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import environment_checks, settings


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.PPO):
    """Settings of PPO, for Discrete, MultiDiscrete and bounded Box actions."""

    def check_environment(self, env: Any) -> None:
        """ValueError where PPO cannot learn in the environment."""
        environment_checks.check(env)
        if self.network == "nature":
            check_images(env)


def check_images(env: Any) -> None:
    """ValueError unless observations are images that the convolutions of Mnih et al. 2015 take."""
    shape, dtype = env.observation_space.shape, env.observation_space.dtype
    if len(shape) != 3 or min(shape[:2]) < 36 or dtype != "uint8":
        raise ValueError(
            f"expected uint8 images of at least 36 x 36 pixels for --network nature, received shape {shape}, {dtype}"
        )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains PPO, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import PPO, FeedForward, RewardScaling
    from lab.models import actor_critic, dense_torso, nature_torso
    from lab.optimizers import Adam

    environments = deep_agents.Environments(config)
    network, acting, training, check, test = deep_agents.seeds(track, 5)
    policy = make_policy(config, environments.actions)
    dense = dense_torso(config.hidden, config.activation, orthogonal=config.orthogonal)
    model = actor_critic(
        environments.observations.shape,
        policy.head,
        torso=nature_torso() if config.network == "nature" else dense,
        shared=config.shared,
        normalize=config.normalize_observations,
        seed=network,
    )
    rate = deep_agents.linear_rate(config, config.epochs * config.minibatches)
    agent = PPO(
        network=FeedForward(model, policy),
        optimizer=Adam(rate, global_clipnorm=config.max_gradient_norm, epsilon=1e-5),
        rewards=RewardScaling(config.num_envs, config.discount) if config.normalize_rewards else None,
        discount=config.discount,
        gae_lambda=config.gae_lambda,
        rollout_length=config.rollout_length,
        epochs=config.epochs,
        minibatches=config.minibatches,
        clip=deep_agents.linear(config, config.clip, config.clip if config.clip_end is None else config.clip_end),
        value_clip=config.value_clip,
        value_weight=config.value_weight,
        entropy_weight=deep_agents.linear(config, config.entropy_weight, config.entropy_weight_end),
        target_kl=config.target_kl,
        normalize_advantage=config.normalize_advantage,
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


def make_policy(config: Config, space: Any) -> Any:
    """The policy for an action space under these settings."""
    from gymnasium.spaces import Box

    from lab.agents import GSDEPolicy, NormalPolicy, policy_for

    if not isinstance(space, Box):
        return policy_for(space)
    if config.gsde:
        noise = {"num_envs": config.num_envs, "features": config.hidden[-1], "redraw_every": config.gsde}
        return GSDEPolicy(space, initial_log_scale=config.initial_log_scale, **noise)
    return NormalPolicy(space, initial_log_scale=config.initial_log_scale)
