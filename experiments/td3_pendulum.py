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
    from lab.agents import building

    return deep_agents.run(config, track, building.td3, 3, more=config.critics)


if __name__ == "__main__":
    smoke = {"steps": 1_000, "learning_starts": 500, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2}
    experiment.main(Config, run, smoke=smoke)
