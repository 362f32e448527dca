"""REINFORCE balances CartPole, with a learnt baseline or without.

Expected: greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute with --device, two minutes without, on two cores
Source: Williams 1992; Sutton and Barto 2018, sections 13.3 and 13.4.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.REINFORCE):
    """REINFORCE on CartPole, or elsewhere with Discrete, MultiDiscrete or bounded Box actions."""

    steps: int = 500_000
    learning_rate: float = 5e-3
    normalize_advantage: bool = True


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains REINFORCE, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import REINFORCE, FeedForward, policy_for
    from lab.models import actor_critic, dense_torso
    from lab.optimizers import Adam

    environments = deep_agents.Environments(config)
    network, acting, training, check, test = deep_agents.seeds(track, 5)
    policy = policy_for(environments.actions)
    model = actor_critic(
        environments.observations.shape,
        policy.head,
        torso=dense_torso(config.hidden),
        critic=config.baseline,
        normalize=config.normalize_observations,
        seed=network,
    )
    agent = REINFORCE(
        network=FeedForward(model, policy),
        optimizer=Adam(deep_agents.linear_rate(config, 1), global_clipnorm=config.max_gradient_norm),
        discount=config.discount,
        rollout_length=config.rollout_length,
        normalize_advantage=config.normalize_advantage,
        entropy_weight=config.entropy_weight,
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_000, "evaluation_episodes": 5})
