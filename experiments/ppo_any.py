"""PPO on any Gymnasium environment, chosen by --environment, with settings that suit most of them.

Expected: greedy_return >= 0.5 (on FrozenLake; the best policy reaches 0.74, a random one 0.014)
Time: depends on the environment; FrozenLake half a minute
Source: Schulman et al. 2017; settings after Huang et al. 2022, "The 37 implementation details".

Images: --network nature --frame-stack 4; an Atari game by its id, as in
--environment ALE/Pong-v5 (pip install '.[atari]').

Continuous control, MuJoCo and Box2D (pip install '.[mujoco]', '.[box2d]'), for example:
--environment HalfCheetah-v5 --normalize-observations --normalize-rewards --steps 1000000
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import ppo
from lab.runs import experiment


@dataclass(frozen=True)
class Config(ppo.Config):
    """PPO on any environment."""

    environment: str = "FrozenLake-v1"
    learning_rate: float = 1e-3
    entropy_weight: float = 0.01


def run(config: Config, track: Any) -> dict[str, float]:
    """See `experiments.common.ppo`."""
    return ppo.run(config, track)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_096, "evaluation_episodes": 5})
