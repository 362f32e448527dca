"""Random MDPs, for tests and benchmarks."""

import numpy as np
from scipy import sparse

from envs.tabular import TabularMDP


def random_mdp(states: int, actions: int, successors: int, *, discount: float, seed: int, terminal: int = 0) -> TabularMDP:
    """A random MDP of the Garnet kind (Archibald et al. 1995), with a sparse transition matrix.

    Each pair of state and action has `successors` random next states. Their probabilities are the
    parts of [0, 1] between random cuts. Expected rewards are standard normal.

    Args:
        states: S.
        actions: A.
        successors: number of next states of each pair, from 1 to S.
        discount: gamma, in [0, 1].
        seed: of the random numbers.
        terminal: this many states, the last ones, are terminal.
    """
    rng = np.random.default_rng(seed)
    rows = states * actions
    # Next states are drawn with repetition, and a row that has a repetition is drawn again without.
    columns = rng.integers(states, size=(rows, successors), dtype=np.int32)
    columns.sort(axis=1)
    repeated = (np.diff(columns, axis=1) == 0).any(axis=1)
    for row in np.flatnonzero(repeated):
        columns[row] = np.sort(rng.choice(states, successors, replace=False))
    cuts = np.sort(rng.random((rows, successors - 1)), axis=1)
    probabilities = np.diff(cuts, axis=1, prepend=0.0, append=1.0)
    indptr = np.arange(0, rows * successors + 1, successors)
    matrix = sparse.csr_array((probabilities.ravel(), columns.ravel(), indptr), shape=(rows, states))
    rewards = rng.normal(size=(states, actions))
    return TabularMDP(matrix, rewards, discount, terminal=np.arange(states) >= states - terminal)
