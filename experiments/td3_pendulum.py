"""Twin delayed DDPG swings the pendulum up, with RL-zoo's hyper-parameters.

Expected: greedy_return >= -155 (random policy -1230)
Time: 1 minute on two cores
Source: Fujimoto et al. 2018, Algorithm 1; hyper-parameters of RL Baselines3 Zoo for Pendulum-v1.

Difference from them: two updates after every second step in place of one after each. The actor,
which learns in every second update, is the same. With --critics 1 --policy-delay 1 --smoothing 0
this is DDPG (Lillicrap et al. 2016).
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.TD3):
    """TD3 on Pendulum, or on another environment with bounded Box actions."""

    environment: str = "Pendulum-v1"
    steps: int = 20_000
    discount: float = 0.98
    buffer_size: int = 200_000


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains TD3, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import TD3, Critics, GaussianNoise, UniformReplay, clipped_noise
    from lab.models import critic, deterministic_actor
    from lab.optimizers import Adam

    environments = deep_agents.Environments(config)
    shape, dimensions = environments.observations.shape, environments.actions.shape[0]
    actor, memory, acting, training, check, test, *critics = deep_agents.seeds(track, 6 + config.critics)
    agent = TD3(
        actor=deterministic_actor(shape, dimensions, config.hidden, seed=actor),
        target_actor=deterministic_actor(shape, dimensions, config.hidden, seed=actor, name="target_actor"),
        critics=Critics(
            [critic(shape, dimensions, config.hidden, seed=seed) for seed in critics],
            [critic(shape, dimensions, config.hidden, seed=seed, name="target_critic") for seed in critics],
            Adam(config.learning_rate),
            polyak=config.polyak,
        ),
        optimizer=Adam(config.learning_rate),
        replay=UniformReplay(config.buffer_size, environments.observations, environments.actions, seed=memory),
        action_space=environments.actions,
        noise=GaussianNoise(config.noise),
        smoothing=clipped_noise(config.smoothing, config.smoothing_clip),
        discount=config.discount,
        policy_delay=config.policy_delay,
        batch_size=config.batch_size,
        rollout_length=config.rollout_length,
        updates=config.updates,
        learning_starts=config.learning_starts,
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


if __name__ == "__main__":
    smoke = {"steps": 1_000, "learning_starts": 500, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2}
    experiment.main(Config, run, smoke=smoke)
