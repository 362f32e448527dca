"""Jack's car rental."""

from typing import Any

import numpy as np
from scipy.stats import poisson

from envs.tabular import TabularMDP
from envs.tabular_env import TabularEnv

CAPACITY = 20  # cars, at a location
MOST_MOVED = 5  # cars, in a night
RENT = 10.0  # dollars, per car
MOVE_COST = 2.0  # dollars, per car
# Means of Poisson distributions, cars per day, at the two locations.
REQUESTS = (3.0, 4.0)
RETURNS = (3.0, 2.0)


class CarRental(TabularEnv):
    """Move cars overnight between two locations that rent them out.

    ## Description
    On each day, Poisson numbers of customers (means 3 and 4) ask for a car at the two locations.
    Poisson numbers of cars (means 3 and 2) are returned; they can be rented from the next day on.
    A location keeps at most 20 cars; additional cars leave the problem.
    The transition probabilities are exact: the tails of the distributions are not cut off.

    ## Action space
    `Discrete(11)`: action a moves a - 5 cars overnight from the first to the second location.
    A move is available in a state where the location has that many cars.

    ## Observation space
    `Discrete(441)`: 21 times the number of cars at the first location plus the number at the
    second, in the evening.

    ## Starting state
    Ten cars at each location.

    ## Reward
    The expectation, given state and action, of 10 for each rented car, minus 2 for each moved car.

    ## Episode end
    Never terminated. Truncated after 100 days, by the wrapper.

    ## References
    Sutton & Barto (2018), example 4.2. Discount 0.9.
    Mean discounted return, never truncated: random policy 510.8464, optimal 574.9483.

    Args:
        **options: `render_mode` and `exploring_starts` of `TabularEnv`.
    """

    def __init__(self, **options: Any) -> None:
        days = [_day(requests, returns) for requests, returns in zip(REQUESTS, RETURNS, strict=True)]
        size = CAPACITY + 1
        moves = np.arange(-MOST_MOVED, MOST_MOVED + 1)
        first, second = np.divmod(np.arange(size**2), size)  # cars at the two locations, [441]
        transitions = np.zeros((size**2, len(moves), size**2))
        rewards = np.zeros(transitions.shape[:2])
        available = np.zeros(transitions.shape[:2], bool)
        for a, moved in enumerate(moves):
            available[:, a] = (moved <= first) & (-moved <= second)
            morning = [np.clip(first - moved, 0, CAPACITY), np.clip(second + moved, 0, CAPACITY)]
            evening = [day[0][cars] for day, cars in zip(days, morning, strict=True)]  # [441, 21] each
            rented = [day[1][cars] for day, cars in zip(days, morning, strict=True)]  # [441] each
            transitions[:, a] = (evening[0][:, :, None] * evening[1][:, None, :]).reshape(size**2, -1)
            rewards[:, a] = RENT * (rented[0] + rented[1]) - MOVE_COST * abs(moved)
        mdp = TabularMDP(
            transitions,
            rewards,
            discount=0.9,
            available=available,
            start=(first == 10) * (second == 10) * 1.0,
            state_names=tuple(f"{i} and {j} cars" for i, j in zip(first, second, strict=True)),
            action_names=tuple(f"move {moved}" for moved in moves),
            positions=np.stack([CAPACITY - first, second], axis=1),
        )
        super().__init__(mdp, **options)


def _day(requests, returns):
    """(p(cars in the evening | cars in the morning) `[21, 21]`, expected rentals `[21]`)."""
    numbers = np.arange(CAPACITY + 1)
    evening = np.zeros((CAPACITY + 1, CAPACITY + 1))
    rentals = np.zeros(CAPACITY + 1)
    for cars in numbers:
        rented = poisson.pmf(numbers[: cars + 1], requests)
        rented[cars] = poisson.sf(cars - 1, requests)  # all cars are rented
        rentals[cars] = numbers[: cars + 1] @ rented
        for count, probability in enumerate(rented):
            left = cars - count
            back = poisson.pmf(np.arange(CAPACITY - left + 1), returns)
            back[-1] = poisson.sf(CAPACITY - left - 1, returns)  # additional cars leave the problem
            evening[cars, left:] += probability * back
    return evening, rentals
