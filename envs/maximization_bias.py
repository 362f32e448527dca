"""The problem that shows what taking the maximum of noisy estimates does."""

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class MaximizationBias(TabularEnv):
    """Do not be lured to the left by noise.

    ## Description
    From A, right ends the episode with 0, left leads to B; from B each of many actions ends it with a reward around -0.1.

    ## Action space
    `Discrete(actions)`: A has left (0) and right (1), B has all.

    ## Observation space
    `Discrete(3)`: A, B, the end.

    ## Starting state
    A.

    ## Reward
    Normally distributed with mean -0.1 and standard deviation 1 from B, 0 otherwise.

    ## Episode end
    Terminated after right from A and after every action from B.

    ## References
    Sutton & Barto (2018), example 6.7; van Hasselt (2010). Discount 1.
    Mean return: random policy -0.05, optimal 0.

    Args:
        actions: those of B, >= 2.
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, actions=10, **options):
        if actions < 2:
            raise ValueError(f"actions: expected an integer >= 2, received {actions}.")
        transitions = np.zeros((3, actions, 3))
        rewards = np.zeros((3, actions))
        noise = np.zeros((3, actions))
        transitions[0, 0, 1] = transitions[0, 1, 2] = 1.0
        transitions[1, :, 2] = 1.0
        rewards[1], noise[1] = -0.1, 1.0
        available = np.ones((3, actions), bool)
        available[0, 2:] = False
        mdp = TabularMDP(
            transitions, rewards, terminal=[2], start=[1, 0, 0], available=available, reward_noise=noise,
            state_names=("A", "B", "end"), action_names=("left", "right", *(f"action {a}" for a in range(2, actions))),
        )  # fmt: skip
        super().__init__(mdp, **options)
