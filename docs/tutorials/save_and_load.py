"""
Save, load and go on
====================

You want to stop an agent and go on later, on this machine or on another one.
"""

# %%
# ``save`` writes one file. It has weights, optimizers, the replay and the random states. Nothing is
# pickled.

import numpy as np

from lab import agents
from lab.agents import DQN

agent = DQN.for_env("CartPole-v1", seed=0)
agent.fit(5_000, verbose=0)
agent.save("cartpole.zip")

# %%
# ``load`` makes the same agent. It goes on with the same bits as the first one.

again = agents.load("cartpole.zip")
agent.fit(3_000, verbose=0)
again.fit(3_000, verbose=0)
print(agent, again)
same = [
    np.array_equal(one, other)
    for one, other in zip(agent.variables, again.variables)
]
print(f"{sum(same)} of {len(same)} variables are equal, bit by bit")

# %%
# Save while it learns
# --------------------
#
# ``SaveAgent`` is a Keras callback. It counts from the first step of learning, and it saves at the
# end. A run that is killed goes on from the last file.

from pathlib import Path

from lab.agents import SaveAgent

learner = DQN.for_env("CartPole-v1", seed=1)
learner.fit(
    4_000, callbacks=[SaveAgent("agent-{step}.zip", every=2_000)], verbose=0
)
print(sorted(path.name for path in Path().glob("agent-*.zip")))

# %%
# What a file cannot hold
# -----------------------
#
# An environment class, a wrapper and a function are code. Give them to ``load`` again.

import gymnasium


def make():
    """CartPole with a time limit of its own."""
    return gymnasium.make("CartPole-v1", max_episode_steps=100)


other = DQN.for_env(make, seed=0)
other.save("limited.zip")
try:
    agents.load("limited.zip")
except ValueError as error:
    print(error)
print(agents.load("limited.zip", environment=make))

# %%
# Another step size afterwards
# ----------------------------
#
# The optimizer's step size can be set at any time. ``horizon`` says at which step falling settings
# reach their ends, over several calls of ``fit``.

again.optimizer.learning_rate = 1e-4
again.fit(2_000, verbose=0)
print(float(again.optimizer.learning_rate))
