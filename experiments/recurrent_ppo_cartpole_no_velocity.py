"""Recurrent PPO balances CartPole without seeing velocities, with RL-zoo's hyper-parameters.

Expected: greedy_return >= 475 (optimal 500, random policy 22)
Time: two minutes with --device, five minutes without, on two cores
Source: Schulman et al. 2017; hyper-parameters of RL Baselines3 Zoo, RecurrentPPO on
CartPoleNoVel-v1. Differences from them: half as many epochs, normalised observations, smaller
networks (64 recurrent units and a dense layer of 64), and the policy that is evaluated, which is
the best one in greedy checks during training.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import settings
from lab.runs import experiment, memory


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.RecurrentPPO):
    """Recurrent PPO on CartPole, or elsewhere with discrete or bounded Box actions."""

    environment: str = "lab/CartPoleNoVelocity-v1"
    rollout_length: int = 32
    epochs: int = 10
    minibatches: int = 1
    discount: float = 0.98
    gae_lambda: float = 0.8
    learning_rate: float = 1e-3
    normalize_observations: bool = True
    check_episodes: int = 50

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        recurrent = 2 * memory.dense(2 * self.units, 4 * self.units)
        return [*deep_agents.needs(self), memory.Need("recurrent layers", recurrent, "--units")]


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains recurrent PPO, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import building

    return deep_agents.run(config, track, building.recurrent_ppo, 2)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 1_024, "evaluation_episodes": 2, "units": 16, "hidden": (16,), "epochs": 2})
