"""
GPU and JAX
===========

You want more environment steps per second.
"""

# %%
# Choose the backend
# ------------------
#
# Keras chooses its backend when it is first imported::
#
#     KERAS_BACKEND=jax python my_script.py
#     KERAS_BACKEND=jax python -m experiments.ppo_cartpole --device
#
# TensorFlow is the default. ``pip install '.[jax]'`` installs JAX for the CPU. For a GPU install
# TensorFlow's or JAX's build for it. The lab then uses it without a change.

import keras

print(keras.backend.backend())

# %%
# Environments on the device
# --------------------------
#
# Environments that are written in ``keras.ops`` run inside the compiled program, together with
# acting and learning. Nothing is copied to and fro. Their ids begin with ``lab/``.

import envs

print(*(f"lab/{name}" for name in envs.FUNCTIONAL), sep="\n")

# %%
# ``vectorization="device"`` compiles all of it. The first call takes longer, because it compiles.

import time

from lab.agents import PPO


def speed(agent, steps):
    """Environment steps per second of the second call of fit."""
    agent.fit(steps, verbose=0)
    start = time.perf_counter()
    agent.fit(steps, verbose=0)
    return steps / (time.perf_counter() - start)


host = PPO.for_env("lab/CartPole-v1", seed=0)
device = PPO.for_env("lab/CartPole-v1", vectorization="device", seed=0)
print(
    "the device is faster than the host:",
    speed(device, 30_720) > speed(host, 10_240),
)

# %%
# How many more steps that makes depends on the machine and on the number of environments. What was
# measured is in :doc:`/results/speed`: on an NVIDIA H200, PPO makes 149,000 steps per second with
# 8 environments and 25 million with 4,096.
#
# Many environments
# -----------------
#
# An accelerator needs many environments side by side. Larger rollouts need larger minibatches, so
# set both.

many = PPO.for_env(
    "lab/CartPole-v1",
    vectorization="device",
    num_envs=256,
    rollout_length=32,
    minibatches=8,
    seed=0,
)
many.fit(16_384, verbose=0)
print(many)

# %%
# Environments of Gymnasium on several cores
# ------------------------------------------
#
# An environment that is written in Python runs on the CPU. ``vectorization="async"`` runs each copy
# in a process of its own. That pays if a step takes about a millisecond or longer.
