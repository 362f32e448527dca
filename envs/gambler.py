"""The gambler's problem."""

from typing import Any

import numpy as np

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

GOAL = 100


class Gambler(TabularEnv):
    """Reach a capital of 100 by bets on a coin.

    ## Description
    A bet is won with probability `heads`. A won bet adds the stake to the capital; a lost bet
    subtracts it.

    ## Action space
    `Discrete(50)`: action a bets a + 1. In state s the stakes 1 to min(s, 100 - s) are available.
    The book also allows the stake 0, which changes nothing; it is left out here.

    ## Observation space
    `Discrete(101)`: the capital.

    ## Starting state
    Any capital from 1 to 99, with equal probability.

    ## Reward
    1 for the step that reaches 100, 0 otherwise.

    ## Episode end
    Terminated at 0 and at 100.

    ## References
    Sutton & Barto (2018), example 4.3. Discount 1.
    For heads < 1/2, to bet the greatest stake is optimal ("bold play"; Dubins & Savage 1965).
    Mean return: random policy 0.3240, optimal 0.3991.

    Args:
        heads: probability of winning a bet, in [0, 1].
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, heads: float = 0.4, **options: Any) -> None:
        if not 0 <= heads <= 1:
            raise ValueError(f"heads: expected a number >= 0 and <= 1, received {heads}.")
        capital = np.arange(GOAL + 1)[:, None]
        stake = np.arange(1, GOAL // 2 + 1)
        available = stake <= np.minimum(capital, GOAL - capital)
        transitions = np.zeros((*available.shape, GOAL + 1))
        for s, a in np.argwhere(available):
            transitions[s, a, s + stake[a]] = heads
            transitions[s, a, s - stake[a]] = 1.0 - heads
        rewards = np.zeros_like(transitions)
        rewards[1:GOAL, :, GOAL] = 1.0
        mdp = TabularMDP(
            transitions,
            rewards,
            terminal=[0, GOAL],
            available=available,
            action_names=tuple(map(str, stake)),
        )
        super().__init__(mdp, **options)
