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
    from lab.agents import building

    return deep_agents.run(config, track, building.reinforce, 2)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_000, "evaluation_episodes": 5})
