"""An environment that allows in each state only some actions, and raises on the others."""

import gymnasium
import numpy as np

MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))
SIDE = 4


class StrictGrid(gymnasium.Env):
    """A grid of 4 x 4 from whose edge no action leads; -1 in each step, the end is in a corner.

    The mask of the end allows nothing. A fifth of the episodes is truncated after three
    steps, the others after a hundred.
    """

    observation_space = gymnasium.spaces.Discrete(SIDE**2)
    action_space = gymnasium.spaces.Discrete(len(MOVES))

    def mask(self):
        """1 for each action that does not lead out of the grid."""
        inside = [0 <= self.x + dx < SIDE and 0 <= self.y + dy < SIDE for dx, dy in MOVES]
        return np.array(inside, np.int8) * (self.x + self.y > 0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.y = divmod(int(self.np_random.integers(1, SIDE**2)), SIDE)
        self.left = 3 if self.np_random.random() < 0.2 else 100
        return self.x * SIDE + self.y, {"action_mask": self.mask()}

    def step(self, action):
        if not self.mask()[action]:
            raise RuntimeError(f"action {action} is forbidden in ({self.x}, {self.y})")
        self.x, self.y, self.left = self.x + MOVES[action][0], self.y + MOVES[action][1], self.left - 1
        ended = self.x == self.y == 0
        return self.x * SIDE + self.y, -1.0, ended, self.left == 0 and not ended, {"action_mask": self.mask()}


class FreeGrid(StrictGrid):
    """The same, but forbidden actions do nothing. It gives no masks."""

    def reset(self, **options):
        return super().reset(**options)[0], {}

    def step(self, action):
        if self.mask()[action]:
            return (*super().step(action)[:4], {})
        return self.x * SIDE + self.y, -1.0, False, False, {}


class AllAllowed(FreeGrid):
    """The same, with masks that allow all actions."""

    def reset(self, **options):
        return super().reset(**options)[0], {"action_mask": np.ones(4, np.int8)}

    def step(self, action):
        return (*super().step(action)[:4], {"action_mask": np.ones(4, np.int8)})
