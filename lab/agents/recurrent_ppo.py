"""Proximal policy optimisation with a memory: PPO over a `Recurrent` network.

Minibatches are made of whole environments, through whose trajectory the gradient flows (Huang et al. 2022, "The 37 implementation details of PPO", recurrent
details 1 to 5). The memory that a trajectory began with is that of acting; it is not computed anew while learning.
"""

from lab.agents.networks import Recurrent
from lab.agents.ppo import PPO


def recurrent_ppo(*, build, policy, num_envs, rollout_length=128, **options):
    """PPO on partly observable environments.

    Args:
        build, policy, num_envs: those of `Recurrent`.
        rollout_length: T, how far the gradient flows back at most.
        **options: those of `PPO`; its minibatches must divide num_envs.
    """
    network = Recurrent(build, policy, num_envs=num_envs, length=rollout_length)
    return PPO(network=network, rollout_length=rollout_length, **options)
