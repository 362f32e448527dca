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
    from lab.agents import building

    return deep_agents.run(config, track, building.a2c, 2)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_000, "evaluation_episodes": 5})
