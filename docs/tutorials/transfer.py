"""
A Keras model that was trained elsewhere
========================================

You have a trained Keras model. Its layers become the features of an agent, or the whole model
becomes the agent's network. The agent learns, and you export its policy.
"""

# %%
# A model trained elsewhere
# -------------------------
#
# This one learns to predict how CartPole moves: from the state to the change of the state. The
# states come from random actions.

import gymnasium
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
environment = gymnasium.make("CartPole-v1")
environment.action_space.seed(0)
states, changes = [], []
state, _ = environment.reset(seed=0)
for _ in range(3_000):
    after, _, terminated, truncated, _ = environment.step(
        environment.action_space.sample()
    )
    states.append(state)
    changes.append(after - state)
    state = environment.reset()[0] if terminated or truncated else after

body = keras.Sequential(
    [keras.Input((4,)), layers.Dense(64, "tanh"), layers.Dense(64, "tanh")],
    name="body",
)
model = keras.Sequential([body, layers.Dense(4)])
model.compile("adam", "mse")
losses = model.fit(
    np.array(states), np.array(changes), epochs=5, verbose=0
).history["loss"]
print("loss:", [round(loss, 4) for loss in losses])
body.save("body.keras")

# %%
# Its layers as features for PPO
# ------------------------------
#
# PPO adds a policy and a value to the features. All weights go on learning. With
# ``body.trainable = False`` the features stay as they are.

from lab.agents import PPO

features = keras.models.load_model("body.keras")
settings = {
    "rollout_length": 32,
    "minibatches": 1,
    "epochs": 20,
    "discount": 0.98,
    "gae_lambda": 0.8,
}
agent = PPO.for_env(
    "CartPole-v1", network=features, learning_rate=1e-3, **settings, seed=0
)
history = agent.fit(20_000, report_every=2_000, verbose=0).history["episode_return"]
print("mean return:", round(history[0]), "->", round(history[-1]))

# %%
# A whole model as DQN's network
# ------------------------------
#
# DQN takes a model from the observation to the action values. Here new values stand on the old
# features.

from lab.agents import DQN

features = keras.models.load_model("body.keras")
values = keras.Sequential([keras.Input((4,)), *features.layers, layers.Dense(2)])
agent = DQN.for_env("CartPole-v1", network=values, seed=0)
agent.fit(10_000, verbose=0)
print(agent.evaluate(episodes=20))

# %%
# Save, load, export
# ------------------
#
# The file has the whole agent, with the network.

from lab import agents

agent.save("transfer.zip")
again = agents.load("transfer.zip")
observation = np.array([0.01, 0.02, -0.03, 0.04], np.float32)
print(again, again.predict(observation) == agent.predict(observation))

# %%
# The exported policy needs no agent. Keras alone loads it, and TensorFlow Serving, ONNX Runtime or
# LiteRT with another ``format``. If observations are a Dict, or actions have masks, write
# ``import lab.layers`` before Keras loads the ``keras`` format.

path = agent.export("policy", format="keras")
policy = keras.models.load_model(path)
print(path, np.asarray(policy(observation[None])))
