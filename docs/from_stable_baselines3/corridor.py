"""The environments of both sides: they have Gymnasium's interface."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Corridor(gymnasium.Env):
    """Walk to the right end of a corridor."""

    observation_space = spaces.Box(0, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        """Starts at a random place."""
        super().reset(seed=seed)
        self.place, self.steps = int(self.np_random.integers(10)), 0
        return np.array([self.place / 10], np.float32), {}

    def step(self, action):
        """Moves one place."""
        self.place, self.steps = (
            max(self.place + 2 * int(action) - 1, 0),
            self.steps + 1,
        )
        end = self.place == 10
        return (
            np.array([self.place / 10], np.float32),
            1.0 if end else -0.1,
            end,
            self.steps == 50,
            {},
        )


class Camera(gymnasium.Env):
    """Go to the bright square; charge if the battery is empty."""

    observation_space = spaces.Dict(
        camera=spaces.Box(0, 255, (36, 36, 1), np.uint8),
        battery=spaces.Box(0, 1, (1,), np.float32),
    )
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        """Draws a side and a charge."""
        super().reset(seed=seed)
        self.steps = 0
        return self._observation(), {}

    def step(self, action):
        """Rewards the right action."""
        reward = float(action == (self.side if self.charged else 2))
        self.steps += 1
        return self._observation(), reward, False, self.steps == 10, {}

    def _observation(self):
        self.side, self.charged = (
            self.np_random.integers(2),
            self.np_random.integers(2),
        )
        image = np.zeros((36, 36, 1), np.uint8)
        image[15:21, 4 + 22 * self.side : 10 + 22 * self.side] = 255
        return {"camera": image, "battery": np.array([self.charged], np.float32)}
