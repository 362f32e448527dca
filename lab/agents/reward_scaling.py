"""Rewards in units of the standard deviation of their discounted sums."""

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers import RunningNormalization


class RewardScaling:
    """Divides rewards by the running standard deviation of their discounted sums.

        G_t = gamma G_{t-1} + r_t
        scaled reward = clip(r_t / sqrt(Var(G) + epsilon))

    G starts from 0 in each episode. The variance is that of all G so far, those of the present
    rollout included. Rewards are scaled, not shifted, so that the best policy stays the best.

    Source: Engstrom et al. 2020, section 3, item 2, in the form of OpenAI Baselines' VecNormalize.

    Args:
        num_envs: B, the number of environments.
        discount: gamma.
        clip: scaled rewards lie in [-clip, clip].
    """

    def __init__(self, num_envs: int, discount: float, *, clip: float = 10.0) -> None:
        self.discount = validation.UNIT.check("discount", discount)
        self.clip = validation.POSITIVE.check("clip", clip)
        self.num_envs = validation.integer("num_envs", num_envs)
        self._return = keras.Variable(np.zeros(num_envs), dtype="float32", trainable=False, name="discounted_return")
        self._statistics = RunningNormalization(clip=None, name="return_statistics")
        self._statistics.build((None,))
        self.variables = [self._return, *self._statistics.variables]

    def __call__(self, reward: Tensor, start: Tensor) -> Tensor:
        """Scales the rewards of a rollout `[T, B]`. A program.

        `start` `[T, B]` is true in the first step of an episode.
        """

        def forward(total, step):
            reward, continues = step
            total = self.discount * continues * total + reward  # G_t
            return total, total

        continues = 1.0 - ops.cast(start, "float32")
        last, totals = ops.scan(forward, ops.copy(self._return), (ops.convert_to_tensor(reward), continues))
        self._return.assign(last)
        self._statistics.update(ops.reshape(totals, (-1,)))
        scale = ops.rsqrt(self._statistics.variance() + self._statistics.epsilon)
        return ops.clip(reward * scale, -self.clip, self.clip)
