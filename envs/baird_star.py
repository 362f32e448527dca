"""Baird's counterexample."""

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

# One feature vector per state, [7, 8]: value w . x is 2 w_i + w_8 in the six upper states and w_7 + 2 w_8 in the lower one.
FEATURES = np.vstack([np.hstack([2 * np.eye(6), np.zeros((6, 1)), np.ones((6, 1))]), [0, 0, 0, 0, 0, 0, 1, 2]])


class BairdStar(TabularEnv):
    """Seven states on which semi-gradient off-policy learning diverges.

    ## Description
    The dashed action leads to one of six upper states, equally likely, the solid one to the seventh. All rewards are 0, so all values are 0,
    and the linear features `envs.baird_star.FEATURES` can say so exactly; yet the weights grow without bound when the policy that always
    takes the solid action is evaluated from a behaviour that takes the dashed one with probability 6/7.

    ## Action space
    `Discrete(2)`: dashed, solid.

    ## Observation space
    `Discrete(7)`: 6 is the lower state.

    ## Starting state
    Any state, equally likely.

    ## Reward
    0.

    ## Episode end
    Never terminated; truncated after 1,000 steps, by the wrapper.

    ## References
    Baird (1995); Sutton & Barto (2018), example 11.2. Discount 0.99.
    Mean discounted return, never truncated: random policy 0, optimal 0.

    Args:
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, **options):
        transitions = np.zeros((7, 2, 7))
        transitions[:, 0, :6] = 1 / 6
        transitions[:, 1, 6] = 1.0
        positions = [(0, column) for column in range(6)] + [(2, 3)]
        mdp = TabularMDP(
            transitions, np.zeros((7, 2)), discount=0.99, action_names=("dashed", "solid"), positions=positions
        )  # fmt: skip
        super().__init__(mdp, **options)
