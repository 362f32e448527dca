"""Soft actor-critic swings the pendulum up, with RL-zoo's hyper-parameters.

Expected: greedy_return >= -155 (random policy -1230)
Time: 3 minutes on two cores
Source: Haarnoja et al. 2018b, Algorithm 1; hyper-parameters of RL Baselines3 Zoo, SAC on
Pendulum-v1 (its replay of 1,000,000 transitions never fills in 20,000 steps).
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.SAC):
    """SAC on Pendulum, or on another environment with bounded Box actions."""

    environment: str = "Pendulum-v1"
    steps: int = 20_000


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains SAC, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import SAC, Critics, FixedTemperature, LearntTemperature, UniformReplay
    from lab.models import critic, gaussian_actor
    from lab.optimizers import Adam

    environments = deep_agents.Environments(config)
    shape, dimensions = environments.observations.shape, environments.actions.shape[0]
    actor, *critics, memory, acting, training, check, test = deep_agents.seeds(track, 8)
    temperatures: dict = {
        "learnt": lambda: LearntTemperature(
            dimensions,
            Adam(config.learning_rate),
            target_entropy=config.target_entropy,
            initial=config.initial_temperature,
        ),
        "fixed": lambda: FixedTemperature(config.initial_temperature),
    }
    agent = SAC(
        actor=gaussian_actor(shape, dimensions, config.hidden, seed=actor),
        critics=Critics(
            [critic(shape, dimensions, config.hidden, seed=seed) for seed in critics],
            [critic(shape, dimensions, config.hidden, seed=seed, name="target_critic") for seed in critics],
            Adam(config.learning_rate),
            polyak=config.polyak,
        ),
        optimizer=Adam(config.learning_rate),
        temperature=temperatures[config.temperature](),
        replay=UniformReplay(config.buffer_size, environments.observations, environments.actions, seed=memory),
        action_space=environments.actions,
        discount=config.discount,
        batch_size=config.batch_size,
        rollout_length=config.rollout_length,
        updates=config.updates,
        learning_starts=config.learning_starts,
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 1_000, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2})
