"""
Notebooks
=========

You work in a notebook. ``fit`` shows a progress bar, returns a ``History`` and can be called again.
"""

# %%
# Learn, look, go on
# ------------------

from lab.agents import PPO

agent = PPO.for_env("CartPole-v1", seed=0)
history = agent.fit(10_000, verbose=0)
history = agent.fit(10_000, verbose=0)  # goes on where the last call ended
print(agent.step, *history.history, sep="\n")

# %%
# The history is a dict of lists, so pandas and matplotlib take it as it is.

import matplotlib.pyplot as plt

plt.figure(figsize=(6, 2.6), layout="constrained")
plt.plot(history.history["step"], history.history["episode_return"])
plt.xlabel("environment steps")
plt.ylabel("return of an episode")
plt.show()

# %%
# Callbacks are Keras's. This one stops when the return of greedy episodes no longer rises.

import keras

stop = keras.callbacks.EarlyStopping(
    "val_return", mode="max", patience=3, restore_best_weights=True
)
history = agent.fit(
    20_000, callbacks=[stop], validation_episodes=5, report_every=2_048, verbose=0
)
print([round(value) for value in history.history["val_return"]])

# %%
# Watch an episode
# ----------------

from lab.agents import RecordVideo

agent.fit(1_000, callbacks=[RecordVideo("videos", every=1_000)], verbose=0)

from pathlib import Path

print([path.name for path in Path("videos").iterdir()])

# %%
# In a notebook, ``IPython.display.Image("videos/…gif")`` shows it.
#
# Keep the numbers
# ----------------
#
# ``lab.runs.start`` begins a run: it keeps the settings, the numbers and the results, and delivers
# them to MLflow. ``TrackRun`` logs each report of ``fit``. It serves ``keras.Model.fit`` and
# ``GAN.fit`` too. ``tracking_uri="none"`` keeps the run on the disk, from where
# ``python -m lab sync`` delivers it later.

from lab.runs import start
from lab.supervised import TrackRun

with start("notebook", {"learning_rate": 3e-4}, tracking_uri="none") as run:
    track = TrackRun(run, curve="episode_return", model=True)
    agent.fit(5_000, callbacks=[track], verbose=0)
    run.finish({"greedy_return": agent.evaluate(episodes=10).mean})

# %%
# Run an experiment
# -----------------
#
# The experiments of ``python -m experiments`` run in a notebook, too. Errors are exceptions.

from experiments.dp_gambler import Config, run as gambler
from lab import runs

print(runs.run(Config(), gambler, tracking_uri="none"))
