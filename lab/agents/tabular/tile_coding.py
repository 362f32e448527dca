"""Tile coding: binary features of continuous observations."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, MultiDiscrete
from gymnasium.utils import RecordConstructorArgs

from lab import validation


class TileCoded(gymnasium.ObservationWrapper, RecordConstructorArgs):
    """Replaces an observation by the tiles in which it lies, one of each of several shifted grids.

    An observation `[D]` becomes the indices of the active features, `[tilings]`, out of `features`
    in all (Sutton and Barto 2018, section 9.5.4). Along dimension d = 0, 1, ..., grid k is shifted
    by k (2 d + 1) / tilings of a tile, modulo a tile. This is the asymmetric displacement that the
    book recommends (Miller and Glanz 1996).

    Args:
        env: an environment whose observations are a bounded `Box` of one axis.
        tilings: number of grids, >= 1.
        tiles: number of tiles of a grid along each dimension, >= 1.
    """

    def __init__(self, env: gymnasium.Env, *, tilings: int = 8, tiles: int = 8) -> None:
        RecordConstructorArgs.__init__(self, tilings=tilings, tiles=tiles)
        gymnasium.ObservationWrapper.__init__(self, env)
        space = env.observation_space
        if not isinstance(space, Box) or len(space.shape) != 1 or not np.isfinite([space.low, space.high]).all():
            raise ValueError(f"env: expected bounded Box observations of one axis, received {space}.")
        self.tilings = validation.integer("tilings", tilings)
        self.tiles = validation.integer("tiles", tiles)
        dimensions = space.shape[0]
        self._low = space.low.astype(float)
        self._scale = tiles / (space.high.astype(float) - space.low)
        displacement = 2 * np.arange(dimensions) + 1
        self._offsets = np.arange(tilings)[:, None] * displacement / tilings % 1.0
        side = tiles + 1  # one more, because of the shift
        self._strides = side ** np.arange(dimensions)[::-1]
        self._first = np.arange(tilings) * side**dimensions
        self.features = tilings * side**dimensions
        self.observation_space = MultiDiscrete(np.full(tilings, self.features))

    def observation(self, observation: Any) -> np.ndarray:
        """The indices of the active features, `[tilings]`."""
        scaled = np.clip((observation - self._low) * self._scale, 0, self.tiles)
        cells = np.minimum((scaled + self._offsets).astype(int), self.tiles)
        return self._first + cells @ self._strides
