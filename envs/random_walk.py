"""Random walks: a prediction problem with known values."""

from typing import Any

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv


class RandomWalk(TabularEnv):
    """Walk to the left or to the right with equal probability, until an end is reached.

    ## Description
    A row of states with a terminal state at each end. There is one action. The problem is to
    predict the value of each state i = 1, 2, ..., which is linear in i:
    i / 6 for 5 states and rewards 0 and 1 at the ends,
    (2 i - 20) / 20 for 19 states and rewards -1 and 1 at the ends.

    ## Action space
    `Discrete(1)`: walk.

    ## Observation space
    `Discrete(states + 2)`: 0 is the left end, states + 1 is the right end.

    ## Starting state
    The state in the middle.

    ## Reward
    `left` for the step that reaches the left end, 1 for the right end, 0 otherwise.

    ## Episode end
    Terminated at each end.

    ## References
    Sutton & Barto (2018), examples 6.2 (5 states, left = 0) and 7.1 (19 states, left = -1).
    Discount 1.
    Mean return: random policy 0.5, optimal 0.5 (5 states); random policy 0, optimal 0 (19 states).

    Args:
        states: number of states between the ends, odd, >= 1.
        left: reward at the left end.
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, states: int = 5, left: float = 0.0, **options: Any) -> None:
        if states < 1 or states % 2 == 0:
            raise ValueError(f"states: expected an odd number >= 1, received {states}.")
        count = states + 2
        rewards = np.zeros((count, 1, count))
        rewards[1, 0, 0], rewards[-2, 0, -1] = left, 1.0
        steps = (np.eye(count, k=1) + np.eye(count, k=-1))[:, None] / 2
        mdp = TabularMDP(
            steps,
            rewards,
            terminal=[0, count - 1],
            start=np.eye(count)[count // 2],
            state_names=("left end", *map(str, range(1, states + 1)), "right end"),
            action_names=("walk",),
        )
        super().__init__(mdp, **options)
