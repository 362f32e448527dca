"""Tile coding: binary features of continuous observations."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, MultiDiscrete
from gymnasium.utils import RecordConstructorArgs

from lab import validation


class TileCoded(gymnasium.ObservationWrapper, RecordConstructorArgs):
    """Shows, for each of several overlapping grids, in which tile an observation lies (Sutton and Barto 2018, section 9.5.4).

    Observations `[D]` become the numbers of the active features, `[tilings]`, one of each grid, out of `features` in all. Grid k is shifted by
    k (1, 3, 5, ...) / tilings of a tile, modulo a tile: the asymmetric displacement that the book recommends (Miller and Glanz 1996).

    Args:
        env: an environment whose observations are a bounded `Box` of one axis.
        tilings: grids, >= 1.
        tiles: tiles of each grid along each dimension, >= 1.
    """

    def __init__(self, env, *, tilings=8, tiles=8):
        RecordConstructorArgs.__init__(self, tilings=tilings, tiles=tiles)
        gymnasium.ObservationWrapper.__init__(self, env)
        space = env.observation_space
        if not isinstance(space, Box) or len(space.shape) != 1 or not np.isfinite([space.low, space.high]).all():
            raise ValueError(f"env: expected bounded Box observations of one axis, received {space}.")
        self.tilings = validation.integer("tilings", tilings)
        self.tiles = validation.integer("tiles", tiles)
        dimensions = space.shape[0]
        self._low, self._scale = space.low.astype(float), tiles / (space.high.astype(float) - space.low)
        displacement = 2 * np.arange(dimensions) + 1
        self._offsets = np.arange(tilings)[:, None] * displacement / tilings % 1.0
        side = tiles + 1  # the shift needs one more
        self._strides = side ** np.arange(dimensions)[::-1]
        self._first = np.arange(tilings) * side**dimensions
        self.features = tilings * side**dimensions
        self.observation_space = MultiDiscrete(np.full(tilings, self.features))

    def observation(self, observation):
        """The active features, `[tilings]`."""
        scaled = np.clip((observation - self._low) * self._scale, 0, self.tiles)
        cells = np.minimum((scaled + self._offsets).astype(int), self.tiles)
        return self._first + cells @ self._strides
