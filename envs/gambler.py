"""The gambler's problem."""

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

GOAL = 100


class Gambler(TabularEnv):
    """Reach a capital of 100 by betting on a coin.

    ## Description
    Each stake is doubled with probability `heads` and lost otherwise.

    ## Action space
    `Discrete(50)`: action a stakes a + 1; a state has the stakes up to min(s, 100 - s). The stake 0, which the book allows, changes nothing and is
    left out.

    ## Observation space
    `Discrete(101)`: the capital.

    ## Starting state
    Any capital from 1 to 99, equally likely.

    ## Reward
    1 for reaching 100, 0 otherwise.

    ## Episode end
    Terminated at 0 and at 100.

    ## References
    Sutton & Barto (2018), example 4.3. Discount 1. For heads < 1/2 bold play is optimal (Dubins & Savage 1965).
    Mean return: random policy 0.3240, optimal 0.3991.

    Args:
        heads: probability of winning, in [0, 1].
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, heads=0.4, **options):
        if not 0 <= heads <= 1:
            raise ValueError(f"heads: expected a number >= 0 and <= 1, received {heads}.")
        capital, stake = np.arange(GOAL + 1)[:, None], np.arange(1, GOAL // 2 + 1)
        available = stake <= np.minimum(capital, GOAL - capital)
        transitions = np.zeros((*available.shape, GOAL + 1))
        for s, a in np.argwhere(available):
            transitions[s, a, s + stake[a]] = heads
            transitions[s, a, s - stake[a]] = 1.0 - heads
        rewards = np.zeros_like(transitions)
        rewards[1:GOAL, :, GOAL] = 1.0
        mdp = TabularMDP(
            transitions, rewards, terminal=[0, GOAL], available=available,
            action_names=tuple(map(str, stake)),
        )  # fmt: skip
        super().__init__(mdp, **options)
