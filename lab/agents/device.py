"""Masks of actions in environments that run on the device."""

from typing import Any

import keras
import numpy as np
from gymnasium import spaces
from keras import ops

from lab.agents.parts import MASK, Composite, action_counts, parts_of


def masks_of(env: Any) -> Any:
    """The masks `[B, A]` of a functional environment's first states, or None if it has none.

    They are `env.state_info(state, params)["action_mask"]`.
    """
    state = env.initial(keras.random.SeedGenerator(0))
    return env.state_info(state, None).get(MASK)


class Masked:
    """A functional environment whose observations have the mask of actions behind them.

    Args:
        env: a `FuncEnv` with discrete actions, whose `state_info` has "action_mask" `[B, A]`. For
            MultiDiscrete actions the masks of the parts are side by side.
    """

    def __init__(self, env: Any) -> None:
        self.inner = env
        seen, count = env.observation_space, sum(action_counts(env.action_space))
        received = tuple(masks_of(env).shape[1:])
        if received != (count,):
            raise ValueError(f"environment: expected masks of actions [B, {count}], received {['B', *received]}.")
        bounds = [np.concatenate([np.ravel(bound), np.full(count, end)]) for bound, end in ((seen.low, 0), (seen.high, 1))]
        box = spaces.Box(bounds[0].astype("float32"), bounds[1].astype("float32"))
        self.observation_space = Composite(box, parts_of(seen), count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def observation(self, state: Any, rng: Any, params: Any = None) -> Any:
        """The observation and the mask `[B, D + A]`, float32."""
        seen = self.inner.observation(state, rng)
        mask = self.inner.state_info(state, params)[MASK]
        flat = ops.reshape(ops.cast(seen, "float32"), (seen.shape[0], -1))
        return ops.concatenate([flat, ops.cast(mask, "float32")], axis=1)
