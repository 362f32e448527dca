"""PPO as its experiments run it; each has its own defaults over `lab.agents.settings.PPO`."""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab.agents import environment_checks, settings


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.PPO):
    """Settings of PPO, for Discrete, MultiDiscrete and bounded Box actions."""

    epochs: int = 4
    minibatches: int = 4

    def check_environment(self, env: Any) -> None:
        """ValueError where PPO cannot learn in the environment."""
        environment_checks.check(env)
        if self.network == "nature":
            check_images(env)


def check_images(env: Any) -> None:
    """ValueError unless observations are images that the convolutions of Mnih et al. 2015 take."""
    shape, dtype = env.observation_space.shape, env.observation_space.dtype
    if len(shape) != 3 or min(shape[:2]) < 36 or dtype != "uint8":
        raise ValueError(
            f"expected uint8 images of at least 36 x 36 pixels for --network nature, received shape {shape}, {dtype}"
        )


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains PPO, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from lab.agents import building

    return deep_agents.run(config, track, building.ppo, 2)
