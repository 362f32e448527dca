"""The problem that shows maximization bias: the maximum of noisy estimates is too large."""

from typing import Any

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class MaximizationBias(TabularEnv):
    """Choose right, although some noisy estimates on the left are large.

    ## Description
    In state A, right ends the episode with the reward 0, and left leads to state B.
    In state B, each of many actions ends the episode with a random reward of mean -0.1.

    ## Action space
    `Discrete(actions)`: left (0) and right (1) are available in A, all actions in B.

    ## Observation space
    `Discrete(3)`: A, B, the terminal state.

    ## Starting state
    A.

    ## Reward
    In B normally distributed with mean -0.1 and standard deviation 1. In A 0.

    ## Episode end
    Terminated after right in A and after every action in B.

    ## References
    Sutton & Barto (2018), example 6.7; van Hasselt (2010). Discount 1.
    Mean return: random policy -0.05, optimal 0.

    Args:
        actions: number of actions in B, >= 2.
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, actions: int = 10, **options: Any) -> None:
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
            transitions,
            rewards,
            terminal=[2],
            start=[1, 0, 0],
            available=available,
            reward_noise=noise,
            state_names=("A", "B", "end"),
            action_names=("left", "right", *(f"action {a}" for a in range(2, actions))),
        )
        super().__init__(mdp, **options)
