"""The short corridor, in one state of which the actions are switched."""

from typing import Any

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class ShortCorridor(TabularEnv):
    """Leave a corridor in which one place switches left and right.

    ## Description
    Three places in a row, with an exit on the right. In the first place, left changes nothing.
    In the second place, the two actions are switched.
    An agent whose features are the same in all places needs a random policy. The best such policy
    takes right with probability 2 - sqrt(2) = 0.586; its mean return is -11.66.

    ## Action space
    `Discrete(2)`: left, right.

    ## Observation space
    `Discrete(4)`: the place; 3 is the exit.

    ## Starting state
    The first place.

    ## Reward
    -1 for each step.

    ## Episode end
    Terminated at the exit.

    ## References
    Sutton & Barto (2018), example 13.1. Discount 1.
    Mean return: random policy -12, optimal -3 (with the place observed).

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        transitions = np.zeros((4, 2, 4))
        for state, (left, right) in enumerate(((0, 1), (2, 0), (1, 3))):
            transitions[state, 0, left] = transitions[state, 1, right] = 1.0
        mdp = TabularMDP(
            transitions,
            rewards=-np.ones((4, 2)),
            terminal=[3],
            start=[1, 0, 0, 0],
            state_names=("first", "second (switched)", "third", "exit"),
            action_names=("left", "right"),
        )
        super().__init__(mdp, **options)
