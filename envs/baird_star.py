"""Baird's counterexample to the convergence of off-policy TD learning."""

from typing import Any

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

# Linear features x(s), [7, 8]. The value w . x(s) is 2 w_i + w_8 in upper state i = 1 ... 6,
# and w_7 + 2 w_8 in the lower state.
FEATURES = np.vstack([np.hstack([2 * np.eye(6), np.zeros((6, 1)), np.ones((6, 1))]), [0, 0, 0, 0, 0, 0, 1, 2]])


class BairdStar(TabularEnv):
    """Seven states on which semi-gradient off-policy learning diverges.

    ## Description
    The dashed action leads to one of the six upper states, each with probability 1/6.
    The solid action leads to the lower state. All rewards are 0, so all values are 0.
    The linear features `envs.baird_star.FEATURES` can represent these values exactly.
    The target policy always takes the solid action; the behaviour policy takes the dashed action
    with probability 6/7. The weights of semi-gradient TD(0) then grow without bound.

    ## Action space
    `Discrete(2)`: dashed, solid.

    ## Observation space
    `Discrete(7)`: 0 to 5 are the upper states, 6 is the lower state.

    ## Starting state
    Any state, with equal probability.

    ## Reward
    0 for each step.

    ## Episode end
    Never terminated. Truncated after 1,000 steps, by the wrapper.

    ## References
    Baird (1995); Sutton & Barto (2018), example 11.2. Discount 0.99.
    Mean discounted return, never truncated: random policy 0, optimal 0.

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        transitions = np.zeros((7, 2, 7))
        transitions[:, 0, :6] = 1 / 6
        transitions[:, 1, 6] = 1.0
        positions = [(0, column) for column in range(6)] + [(2, 3)]
        mdp = TabularMDP(
            transitions,
            rewards=np.zeros((7, 2)),
            discount=0.99,
            action_names=("dashed", "solid"),
            positions=positions,
        )
        super().__init__(mdp, **options)
