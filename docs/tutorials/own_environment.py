"""
Your own environment
====================

You have an environment with Gymnasium's interface. Any algorithm whose actions fit learns in it.
"""

# %%
# An environment is a class with two spaces, ``reset`` and ``step``. This one is a corridor. The
# agent starts anywhere and must reach the right end. Each step costs 0.1.
#
# ``terminated`` says that the episode has really ended. ``truncated`` says that it was only cut
# off. The agent treats these differently: it still expects rewards after a cut.

import gymnasium
import numpy as np
from gymnasium import spaces


class Corridor(gymnasium.Env):
    """Walk to the right end of a corridor."""

    def __init__(self, length=11):
        self.length = length
        self.observation_space = spaces.Box(0, 1, (1,), np.float32)
        self.action_space = spaces.Discrete(2)  # left, right

    def reset(self, *, seed=None, options=None):
        """Starts at a random place."""
        super().reset(seed=seed)
        self.place, self.steps = int(self.np_random.integers(self.length - 1)), 0
        return self._observation(), {}

    def step(self, action):
        """Moves one place."""
        self.place = max(self.place + (1 if action == 1 else -1), 0)
        self.steps += 1
        terminated = self.place == self.length - 1
        truncated = self.steps == 50
        return (
            self._observation(),
            1.0 if terminated else -0.1,
            terminated,
            truncated,
            {},
        )

    def _observation(self):
        return np.array([self.place / (self.length - 1)], np.float32)


# %%
# Give the class to an algorithm. ``for_env`` checks the environment first. It makes networks that
# fit the observations, and as many environments as the algorithm uses.

from lab.agents import PPO

agent = PPO.for_env(Corridor, seed=0)
agent

# %%
# ``fit`` learns. It returns Keras's ``History``, with a number for each report.

history = agent.fit(20_000, verbose=0)
returns = history.history["episode_return"]
print(
    "mean return of an episode, first and last report:",
    round(returns[0], 2),
    round(returns[-1], 2),
)

# %%
# ``evaluate`` plays greedy episodes in fresh environments. Who always walks to the right gets 0.55
# on average.

print(agent.evaluate(episodes=100))

# %%
# ``predict`` takes one observation, or a batch of them.

environment = Corridor()
observation, _ = environment.reset(seed=0)
print(
    agent.predict(observation),
    agent.predict(np.array([[0.1], [0.5], [0.9]], np.float32)),
)

# %%
# An environment with arguments, or with wrappers
# -----------------------------------------------
#
# ``environment_options`` are arguments of the class. A function that makes an environment works as
# well as a class. So does an id that is registered with Gymnasium, or a vector environment.

longer = PPO.for_env(Corridor, environment_options={"length": 21}, seed=0)
wrapped = PPO.for_env(lambda: gymnasium.wrappers.TimeLimit(Corridor(), 20), seed=0)
print(longer.environments.num_envs, wrapped.environments.num_envs)

# %%
# If something does not fit, one line says what
# ---------------------------------------------

from lab.agents import SAC

try:
    SAC.for_env(Corridor)
except ValueError as error:
    print(error)
