"""Jack's car rental."""

import numpy as np
from scipy.stats import poisson

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

CAPACITY, MOST_MOVED = 20, 5  # cars
RENT, MOVE_COST = 10.0, 2.0  # dollars
REQUESTS, RETURNS = (3.0, 4.0), (3.0, 2.0)  # means of Poisson distributions, per day, at the two locations


class CarRental(TabularEnv):
    """Move cars overnight between two locations that rent them out.

    ## Description
    Each day Poisson numbers of customers (means 3 and 4) rent the cars that there are, and Poisson numbers of cars (3 and 2) come back,
    to be rented from the next day on. A location keeps 20 cars at most; the rest is given away. The probabilities are exact, no
    tail is cut off.

    ## Action space
    `Discrete(11)`: action a moves a - 5 cars overnight from the first to the second location; a state has the moves for which
    there are cars.

    ## Observation space
    `Discrete(441)`: 21 times the cars at the first location plus those at the second, in the evening.

    ## Starting state
    Ten cars at either location.

    ## Reward
    10 for each car rented, its expectation given the state, less 2 for each car moved.

    ## Episode end
    Never terminated; truncated after 100 days, by the wrapper.

    ## References
    Sutton & Barto (2018), example 4.2. Discount 0.9.
    Mean discounted return, never truncated: random policy 510.8464, optimal 574.9483.

    Args:
        **options: render_mode and exploring_starts, as in `TabularEnv`.
    """

    def __init__(self, **options):
        days = [_day(requests, returns) for requests, returns in zip(REQUESTS, RETURNS, strict=True)]
        size, moves = CAPACITY + 1, np.arange(-MOST_MOVED, MOST_MOVED + 1)
        first, second = np.divmod(np.arange(size**2), size)
        transitions = np.zeros((size**2, len(moves), size**2))
        rewards, available = np.zeros(transitions.shape[:2]), np.zeros(transitions.shape[:2], bool)
        for a, moved in enumerate(moves):
            available[:, a] = (moved <= first) & (-moved <= second)
            morning = [np.clip(first - moved, 0, CAPACITY), np.clip(second + moved, 0, CAPACITY)]
            (one, rented_one), (two, rented_two) = ((day[0][at], day[1][at]) for day, at in zip(days, morning, strict=True))
            transitions[:, a] = (one[:, :, None] * two[:, None, :]).reshape(size**2, -1)
            rewards[:, a] = RENT * (rented_one + rented_two) - MOVE_COST * abs(moved)
        mdp = TabularMDP(
            transitions, rewards, discount=0.9, available=available, start=(first == 10) * (second == 10) * 1.0,
            state_names=tuple(f"{i} and {j} cars" for i, j in zip(first, second, strict=True)),
            action_names=tuple(f"move {moved}" for moved in moves), positions=np.stack([CAPACITY - first, second], axis=1),
        )  # fmt: skip
        super().__init__(mdp, **options)


def _day(requests, returns):
    """(p(cars in the evening | cars in the morning) `[21, 21]`, expected rentals `[21]`) at one location."""
    numbers = np.arange(CAPACITY + 1)
    evening, rentals = np.zeros((CAPACITY + 1, CAPACITY + 1)), np.zeros(CAPACITY + 1)
    for cars in numbers:
        rented = poisson.pmf(numbers[: cars + 1], requests)
        rented[cars] = poisson.sf(cars - 1, requests)  # all of them
        rentals[cars] = numbers[: cars + 1] @ rented
        for count, probability in enumerate(rented):
            left = cars - count
            back = poisson.pmf(np.arange(CAPACITY - left + 1), returns)
            back[-1] = poisson.sf(CAPACITY - left - 1, returns)  # the rest is given away
            evening[cars, left:] += probability * back
    return evening, rentals
