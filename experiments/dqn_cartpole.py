"""Deep Q-learning balances CartPole, and does not forget it.

Expected: last_greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute on two cores
Source: Mnih et al. 2015, Algorithm 1, with clipped double targets (Fujimoto et al. 2018).

The settings begin from RL Baselines3 Zoo's for CartPole-v1, with which the solution is found and
lost again. Differences from them:

- the greedy policy has averaged weights, in which the newest fifth of all updates counts most;
- clipped double targets, copied every 32 updates;
- squared loss, and no clipping that cuts the large errors where an episode ends;
- normalised observations;
- batches of 128 in place of 64, layers of 64 units in place of 256.

`benchmarks/dqn_scores.py` measures what each of them does.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab import validation
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.DQN):
    """Deep Q-learning on CartPole, or on another environment with discrete actions."""

    steps: int = 50_000
    target: settings.Target = "clipped"
    loss: settings.Loss = "squared"
    learning_rate: float = 2.3e-3
    max_gradient_norm: float = 1_000.0
    batch_size: int = 128
    rollout_length: int = 256
    updates: int = 128
    target_every: int = 32
    averaging: float = 0.2
    epsilon_end: float = 0.04
    exploration_fraction: float = 0.16
    normalize_observations: bool = True
    check_episodes: int = 10

    def check(self) -> None:
        """Only CartPole is on the device with one environment."""
        super().check()
        if self.device:
            expected = "CartPole-v1 with --device"
            validation.require("CartPole-v1" in self.environment, "environment", expected, self.environment)


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains DQN, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import building

    return deep_agents.run(config, track, building.dqn, 3)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 3_000, "hidden": (32, 32), "check_episodes": 2, "evaluation_episodes": 5})
