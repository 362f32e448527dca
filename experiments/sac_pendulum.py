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
    from lab.agents import building

    return deep_agents.run(config, track, building.sac, 5)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 1_000, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2})
