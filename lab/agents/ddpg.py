"""Deep deterministic policy gradient (Lillicrap et al. 2016, Algorithm 1): TD3 with one critic.

Target actions are not smoothed, and the actor is not delayed. Differences from the paper:

- Observation and action enter the critic side by side.
- Batch normalisation and weight decay are used only if the models and optimizers that are passed in
  have them. Then the batch normalises in learning, the moving averages in acting and in targets.
- Actions are uniformly random before learning starts.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.agents import settings
from lab.agents.critics import Critics
from lab.agents.td3 import TD3
from lab.engine.types import Tensor


class OrnsteinUhlenbeckNoise:
    """Noise that is correlated in time (Uhlenbeck and Ornstein 1930).

        x <- (1 - theta) x + sigma e

    e is standard normal. x starts from 0 in each episode.

    Args:
        num_envs, dimensions: B and D, of the actions `[B, D]`.
        scale: sigma, >= 0, where the bounds of actions are -1 and 1.
        reversion: theta in [0, 1], the share of x that is lost in each step. With 1 this is
            `GaussianNoise`.
    """

    def __init__(self, num_envs: int, dimensions: int, *, scale: float = 0.2, reversion: float = 0.15) -> None:
        self.scale = validation.NOT_NEGATIVE.check("scale", scale)
        self.reversion = validation.UNIT.check("reversion", reversion)
        self.num_envs = validation.integer("num_envs", num_envs)
        zeros = np.zeros((num_envs, dimensions), np.float32)
        self._state = keras.Variable(zeros, dtype="float32", trainable=False, name="exploration_noise")
        self._host = zeros  # is not saved: where a run can resume, host environments start new episodes
        self.variables = [self._state]

    def __call__(self, action: Tensor, start: Tensor, seed: Any) -> Tensor:
        """Noise for actions `[B, D]`; `start` `[B]` tells where an episode begins. A program."""
        kept = ops.where(ops.expand_dims(start, -1), 0.0, (1.0 - self.reversion) * self._state.value)
        self._state.assign(kept + self.scale * keras.random.normal(ops.shape(action), seed=seed))
        return ops.copy(self._state)

    def host(self, action: np.ndarray, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """The same for arrays, from a NumPy generator."""
        kept = np.where(np.asarray(start)[:, None], np.float32(0), np.float32(1 - self.reversion) * self._host)
        self._host = kept + np.float32(self.scale) * generator.standard_normal(action.shape, np.float32)
        return self._host


class DDPG(TD3):
    """One critic and a deterministic actor with target networks, for Box actions.

    Args:
        critics: `Critics` of one network.
        rollout_length, updates, learning_starts: the fields of `lab.agents.settings.DDPG` of the
            same name. By default there is one update after each step.
        **options: the other arguments of `TD3`.
    """

    def __init__(
        self,
        *,
        critics: Critics,
        rollout_length: int = settings.DDPG.rollout_length,
        updates: int = settings.DDPG.updates,
        learning_starts: int = settings.DDPG.learning_starts,
        **options: Any,
    ) -> None:
        if len(critics.online) != 1:
            raise ValueError(f"critics: expected one network, received {len(critics.online)}.")
        super().__init__(
            critics=critics,
            rollout_length=rollout_length,
            updates=updates,
            learning_starts=learning_starts,
            policy_delay=settings.DDPG.policy_delay,
            smoothing=lambda action, seed: action,
            **options,
        )
