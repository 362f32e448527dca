"""Proximal policy optimisation swings Acrobot up, with RL-zoo's hyper-parameters.

Expected: greedy_return >= -80 (random policy -500)
Time: half a minute with --device, three minutes without, on two cores
Source: Schulman et al. 2017; hyper-parameters of RL Baselines3 Zoo, PPO on Acrobot-v1.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import ppo
from lab.runs import experiment


@dataclass(frozen=True)
class Config(ppo.Config):
    """PPO on Acrobot."""

    environment: str = "Acrobot-v1"
    steps: int = 1_000_000
    num_envs: int = 16
    rollout_length: int = 256
    minibatches: int = 64
    gae_lambda: float = 0.94
    learning_rate_end: float = 3e-4
    normalize_observations: bool = True
    normalize_rewards: bool = True


def run(config: Config, track: Any) -> dict[str, float]:
    """See `experiments.common.ppo`."""
    return ppo.run(config, track)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_096, "evaluation_episodes": 2})
