"""Advantage actor-critic balances CartPole, with RL-zoo's hyper-parameters.

Expected: greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute with --device, two minutes without, on two cores
Source: Mnih et al. 2016; hyper-parameters of RL Baselines3 Zoo, A2C on CartPole-v1, except for the
learning rate, which falls linearly.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.A2C):
    """A2C on CartPole, or elsewhere with Discrete, MultiDiscrete or bounded Box actions."""

    steps: int = 500_000


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains A2C, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import A2C, FeedForward, policy_for
    from lab.models import actor_critic, dense_torso
    from lab.optimizers import RMSprop

    environments = deep_agents.Environments(config)
    network, acting, training, check, test = deep_agents.seeds(track, 5)
    policy = policy_for(environments.actions)
    model = actor_critic(
        environments.observations.shape,
        policy.head,
        torso=dense_torso(config.hidden),
        normalize=config.normalize_observations,
        seed=network,
    )
    rate = deep_agents.linear_rate(config, 1)
    agent = A2C(
        network=FeedForward(model, policy),
        optimizer=RMSprop(rate, rho=0.99, epsilon=1e-5, epsilon_inside=False, global_clipnorm=config.max_gradient_norm),
        discount=config.discount,
        gae_lambda=config.gae_lambda,
        rollout_length=config.rollout_length,
        entropy_weight=config.entropy_weight,
        value_weight=config.value_weight,
        normalize_advantage=config.normalize_advantage,
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_000, "evaluation_episodes": 5})
