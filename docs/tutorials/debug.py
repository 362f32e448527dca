"""
An agent that does not learn
============================

You have an agent whose return does not rise. Its metrics say where to look.
"""

# %%
# ``fit`` returns the metrics of each report. :doc:`/runs` says what each of them means.

from lab.agents import PPO

settings = {
    "rollout_length": 32,
    "minibatches": 1,
    "epochs": 20,
    "discount": 0.98,
    "gae_lambda": 0.8,
}
agent = PPO.for_env("CartPole-v1", **settings, learning_rate=1e-3, seed=0)
history = agent.fit(30_000, report_every=3_000, verbose=0).history


def show(history, *names):
    """Prints the metrics of five reports."""
    for name in names:
        values = history[name][:: max(len(history[name]) // 5, 1)]
        print(f"{name:20}", " ".join(f"{value:8.3f}" for value in values))


show(
    history,
    "episode_return",
    "entropy",
    "explained_variance",
    "approximate_kl",
    "clip_fraction",
)

# %%
# How to read them
# ----------------
#
# - **entropy** starts near log 2 = 0.693 for two actions and falls slowly. If it is near 0 early,
#   the agent no longer explores: raise ``entropy_weight`` or lower ``learning_rate``. If it stays
#   at its start, nothing is learnt.
# - **explained_variance** rises towards 1: the critic predicts the returns. Near 0 the critic is no
#   better than a constant. Far below 0 it is worse: lower ``learning_rate`` or scale the rewards.
# - **approximate_kl** and **clip_fraction** say how far each update moves the policy. Here they are
#   near 0.005 and 0.1. A hundred times as much means that the step is too large.
# - **gradient_norm** is measured before clipping.
#
# A picture shows all reports.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for axis, name in zip(axes, ("episode_return", "entropy", "explained_variance")):
    axis.plot(history["step"], history[name])
    axis.set(title=name.replace("_", " "), xlabel="environment steps")
plt.show()

# %%
# A step size that is too large
# -----------------------------

bad = PPO.for_env("CartPole-v1", **settings, learning_rate=0.3, seed=0)
history = bad.fit(10_000, verbose=0).history
show(
    history,
    "episode_return",
    "entropy",
    "explained_variance",
    "approximate_kl",
    "clip_fraction",
)

# %%
# The first updates throw the policy far away. The entropy falls to 0, and the agent always takes
# one action.
#
# Numbers that are not finite
# ---------------------------
#
# Where a loss or a weight becomes NaN or infinite, training stops and one message says where.

from lab.errors import LabError

unstable = PPO.for_env(
    "CartPole-v1",
    optimizer="sgd",
    learning_rate=1e6,
    max_gradient_norm=1e12,
    seed=0,
)
try:
    unstable.fit(10_000, verbose=0)
except (LabError, ArithmeticError) as error:
    print(type(error).__name__, "-", error)

# %%
# Actions that are not allowed
# ----------------------------
#
# An environment may forbid actions: ``info["action_mask"]`` has a 1 for each allowed one. DQN and
# the policy-gradient agents obey it, in acting and in learning. Taxi-v4 gives masks.

import gymnasium

taxi = gymnasium.make("Taxi-v4")
observation, info = taxi.reset(seed=0)
agent = PPO.for_env("Taxi-v4", seed=0)
print(
    "allowed:",
    info["action_mask"],
    "chosen:",
    agent.predict(observation, action_mask=info["action_mask"]),
)

# %%
# An environment that breaks its own promises
# -------------------------------------------
#
# ``for_env`` resets and steps the environment before it learns. It names the first thing that does
# not agree with the spaces.

import numpy as np


class Wrong(gymnasium.Env):
    """Its observation is float64, its space says float32."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        """Returns the wrong type."""
        super().reset(seed=seed)
        return np.zeros(2), {}

    def step(self, action):
        """Never called."""
        return np.zeros(2), 0.0, True, False, {}


try:
    PPO.for_env(Wrong)
except ValueError as error:
    print(error)
