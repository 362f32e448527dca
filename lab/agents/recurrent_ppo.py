"""Proximal policy optimisation with a memory.

Minibatches are made of whole environments. The gradient flows through their trajectory (Huang et
al. 2022, "The 37 implementation details of PPO", recurrent details 1 to 5). The memory with which a
trajectory began is that of acting; it is not computed anew while learning.
"""

from collections.abc import Callable
from typing import Any

import keras

from lab.agents import settings
from lab.agents.networks import Recurrent
from lab.agents.ppo import PPO


def recurrent_ppo(
    *,
    build: Callable[[int], keras.Model],
    policy: Any,
    num_envs: int,
    rollout_length: int = settings.RecurrentPPO.rollout_length,
    **options: Any,
) -> PPO:
    """PPO on partly observable environments.

    Args:
        build, policy, num_envs: those of `Recurrent`.
        rollout_length: T, how far the gradient flows back at most.
        **options: those of `PPO`. Its minibatches must divide num_envs.
    """
    network = Recurrent(build, policy, num_envs=num_envs, length=rollout_length)
    return PPO(network=network, rollout_length=rollout_length, **options)
