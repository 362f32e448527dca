"""The short corridor with switched actions."""

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class ShortCorridor(TabularEnv):
    """Find the way out of a corridor in one of whose places left and right are switched.

    ## Description
    Three places in a row and an exit on the right. In the second one the actions do the opposite. Left in the first does nothing. To
    an agent whose features do not tell the places apart, only a random policy is good: right with probability 2 - sqrt(2) = 0.586 gives
    -11.66 on average.

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
    Mean return: random policy -12, optimal -3 (of a policy that sees the place).

    Args:
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, **options):
        transitions = np.zeros((4, 2, 4))
        for state, (left, right) in enumerate(((0, 1), (2, 0), (1, 3))):
            transitions[state, 0, left] = transitions[state, 1, right] = 1.0
        mdp = TabularMDP(
            transitions, -np.ones((4, 2)), terminal=[3], start=[1, 0, 0, 0], action_names=("left", "right"),
            state_names=("first", "second (switched)", "third", "exit"),
        )  # fmt: skip
        super().__init__(mdp, **options)
