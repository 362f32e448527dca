"""Proximal policy optimisation with a memory.

Minibatches are made of whole environments. The gradient flows through the trajectory of each (Huang
et al. 2022, "The 37 implementation details of PPO", recurrent details 1 to 5). Learning begins with
the memory that the agent had at the start of the trajectory. That memory is not computed again.
"""

from collections.abc import Callable
from typing import Any

import keras

from lab import renamed
from lab.agents import settings
from lab.agents.networks import Recurrent
from lab.agents.ppo import PPO
from lab.engine.types import Tensor


class RecurrentPPO(PPO):
    """PPO on partly observable environments.

    Args:
        build, policy, num_envs: those of `Recurrent`.
        rollout_length: T. The gradient flows back at most so many steps.
        minibatches: must divide num_envs.
        epochs, discount, gae_lambda, clip, entropy_weight: those of `PPO`. The defaults are the
            fields of `lab.agents.settings.RecurrentPPO`.
        **options: the other arguments of `PPO`.
    """

    def __init__(
        self,
        *,
        build: Callable[[int], keras.Model],
        policy: Any,
        num_envs: int,
        rollout_length: int = settings.RecurrentPPO.rollout_length,
        epochs: int = settings.RecurrentPPO.epochs,
        minibatches: int = settings.RecurrentPPO.minibatches,
        discount: float = settings.RecurrentPPO.discount,
        gae_lambda: float = settings.RecurrentPPO.gae_lambda,
        clip: float | Callable[[Tensor], Tensor] = settings.RecurrentPPO.clip,
        entropy_weight: float | Callable[[Tensor], Tensor] = settings.RecurrentPPO.entropy_weight,
        **options: Any,
    ) -> None:
        network = Recurrent(build, policy, num_envs=num_envs, length=rollout_length)
        options |= {"discount": discount, "gae_lambda": gae_lambda, "clip": clip, "entropy_weight": entropy_weight}
        super().__init__(network=network, rollout_length=rollout_length, epochs=epochs, minibatches=minibatches, **options)


__getattr__ = renamed(__name__, {"recurrent_ppo": "RecurrentPPO"})
