"""Random walks: a prediction problem whose values are known."""

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class RandomWalk(TabularEnv):
    """Wander to the left or to the right, with equal probability, until an end is reached.

    ## Description
    A row of states with an end at either side. There is one action; what is to be learnt is the value of each state, which is a straight
    line: for 5 states and rewards 0 and 1 it is i/6, for 19 states and rewards -1 and 1 it is (2 i - 20) / 20, i = 1, 2, ...

    ## Action space
    `Discrete(1)`: walk.

    ## Observation space
    `Discrete(states + 2)`: 0 is the left end, states + 1 the right one.

    ## Starting state
    The middle.

    ## Reward
    `left` for reaching the left end, 1 for the right one, 0 otherwise.

    ## Episode end
    Terminated at both ends.

    ## References
    Sutton & Barto (2018), examples 6.2 (5 states, left = 0) and 7.1 (19 states, left = -1). Discount 1.
    Mean return: random policy 0.5, optimal 0.5 (5 states); random policy 0, optimal 0 (19 states).

    Args:
        states: between the ends, odd, >= 1.
        left: reward of the left end.
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, states=5, left=0.0, **options):
        if states < 1 or states % 2 == 0:
            raise ValueError(f"states: expected an odd number >= 1, received {states}.")
        count = states + 2
        rewards = np.zeros((count, 1, count))
        rewards[1, 0, 0], rewards[-2, 0, -1] = left, 1.0
        steps = (np.eye(count, k=1) + np.eye(count, k=-1))[:, None] / 2
        mdp = TabularMDP(
            steps, rewards, terminal=[0, count - 1], start=np.eye(count)[count // 2], action_names=("walk",),
            state_names=("left end", *map(str, range(1, states + 1)), "right end"),
        )  # fmt: skip
        super().__init__(mdp, **options)
