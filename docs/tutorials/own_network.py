"""
Your own network
================

You have a Keras model that should be the agent's network. Or you want another optimizer.
"""

# %%
# Vectors
# -------
#
# For DQN a network maps an observation to a value of each action. Any Keras model does.

import keras
from keras import layers

from lab.agents import DQN

network = keras.Sequential(
    [
        keras.Input((4,)),
        layers.Dense(32, "relu"),
        layers.Dense(32, "relu"),
        layers.Dense(2),
    ]
)
agent = DQN.for_env("CartPole-v1", network=network, seed=0)
agent.fit(5_000, verbose=0)
print(agent)

# %%
# For PPO and A2C, a network maps an observation to features. The agent adds the policy and the
# value.

from lab.agents import PPO

features = keras.Sequential(
    [keras.Input((4,)), layers.Dense(64, "gelu"), layers.LayerNormalization()]
)
agent = PPO.for_env("CartPole-v1", network=features, seed=0)
agent.summary()

# %%
# An image and a vector
# ---------------------
#
# An observation that is a ``Dict`` has parts. Each part is an input of the model, with the part's
# name. Without a network of your own the agent makes one: convolutions for the image, dense layers
# for the vector.

import gymnasium
import numpy as np
from gymnasium import spaces


class Camera(gymnasium.Env):
    """Go to the bright square, left or right. Charge if the battery is empty."""

    observation_space = spaces.Dict(
        camera=spaces.Box(0, 255, (16, 16, 1), np.uint8),
        battery=spaces.Box(0, 1, (1,), np.float32),
    )
    action_space = spaces.Discrete(3)  # left, right, charge

    def reset(self, *, seed=None, options=None):
        """Draws a side and a charge."""
        super().reset(seed=seed)
        self.side, self.charged, self.steps = (
            self.np_random.integers(2),
            self.np_random.integers(2),
            0,
        )
        return self._observation(), {}

    def step(self, action):
        """Rewards the right action."""
        reward = float(action == (self.side if self.charged else 2))
        self.side, self.charged = (
            self.np_random.integers(2),
            self.np_random.integers(2),
        )
        self.steps += 1
        return self._observation(), reward, False, self.steps == 10, {}

    def _observation(self):
        image = np.zeros((16, 16, 1), np.uint8)
        image[6:10, 2 + 8 * self.side : 6 + 8 * self.side] = 255
        return {"camera": image, "battery": np.array([self.charged], np.float32)}


camera = keras.Input((16, 16, 1), name="camera")
battery = keras.Input((1,), name="battery")
seen = layers.Rescaling(1 / 255)(camera)
seen = layers.Conv2D(8, 4, 4, activation="relu")(seen)
joined = layers.Concatenate()([layers.Flatten()(seen), battery])
both = keras.Model([camera, battery], layers.Dense(32, "relu")(joined))

# %%
# The reward of an action comes at once. So a small ``discount`` is enough, and learning is faster.

settings = {"discount": 0.5, "rollout_length": 32, "epochs": 10}
agent = PPO.for_env(Camera, network=both, learning_rate=3e-3, **settings, seed=0)
history = agent.fit(10_000, verbose=0).history["episode_return"]
print(
    "return of an episode (random 3.3, best 10):",
    round(history[0], 1),
    "->",
    round(history[-1], 1),
)

# %%
# A function
# ----------
#
# A function makes the network from the spaces. It is called with the agent's seed, so weights are
# the same in each run.


def network_for(observation_space, action_space):
    """A network of action values."""
    return keras.Sequential(
        [
            keras.Input(observation_space.shape),
            layers.Dense(64, "relu"),
            layers.Dense(int(action_space.n)),
        ]
    )


agent = DQN.for_env("Acrobot-v1", network=network_for, seed=0)
print(agent.predict(np.zeros(6, np.float32)))

# %%
# An optimizer
# ------------
#
# Give a name, or an optimizer of Keras or of the lab. Its step size can be changed at any time.

from lab.optimizers import RAdam

agent = PPO.for_env(
    "CartPole-v1", optimizer=RAdam(1e-3, global_clipnorm=0.5), seed=0
)
agent.fit(2_000, verbose=0)
agent.optimizer.learning_rate = 1e-4
print(type(agent.optimizer).__name__, float(agent.optimizer.learning_rate))
