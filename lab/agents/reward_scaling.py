"""Rewards in units of the deviation of their discounted sums."""

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.layers import RunningNormalization


class RewardScaling:
    """r / sqrt(Var(G) + epsilon), clipped, with G_t = gamma G_{t-1} + r_t summed forwards over each episode.

    The variance is that of all G seen so far, the present rollout's included. Rewards are scaled, not shifted, so that the best policy stays
    the best (Engstrom et al. 2020, section 3, item 2; the form of OpenAI Baselines' VecNormalize).

    Args:
        num_envs: B.
        discount: gamma.
        clip: scaled rewards lie in [-clip, clip].
    """

    def __init__(self, num_envs, discount, *, clip=10.0):
        self.discount = validation.UNIT.check("discount", discount)
        self.clip = validation.POSITIVE.check("clip", clip)
        self.num_envs = validation.integer("num_envs", num_envs)
        self._return = keras.Variable(np.zeros(num_envs), dtype="float32", trainable=False, name="discounted_return")
        self._statistics = RunningNormalization(clip=None, name="return_statistics")
        self._statistics.build((None,))
        self.variables = [self._return, *self._statistics.variables]

    def __call__(self, reward, start):
        """Scales the rewards of a rollout `[T, B]`; `start` is true in an episode's first step. A program."""

        def forward(total, step):
            reward, going_on = step
            total = self.discount * going_on * total + reward  # G_t
            return total, total

        going_on = 1.0 - ops.cast(start, "float32")
        last, totals = ops.scan(forward, ops.copy(self._return), (ops.convert_to_tensor(reward), going_on))
        self._return.assign(last)
        self._statistics.update(ops.reshape(totals, (-1,)))
        scale = ops.rsqrt(self._statistics.variance() + self._statistics.epsilon)
        return ops.clip(reward * scale, -self.clip, self.clip)
