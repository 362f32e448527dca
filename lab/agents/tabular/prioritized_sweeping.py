"""Prioritised sweeping on a known model."""

import numpy as np
from scipy import sparse

from lab.agents.tabular.bellman import Solution, discounted_bound, greedy, matrix, optimality, require_end
from lab.agents.tabular.value_iteration import episodic_bound


def prioritized_sweeping(mdp, *, tolerance=1e-8, max_backups=1_000_000):
    """Backs up the state whose value may be most wrong, then tells its predecessors (Moore and Atkeson 1993).

    The priority of a state is |T V(s) - V(s)| at first, 0 after its backup, and at least gamma max_a p(s'|s, a) |d| once the value of s' has
    changed by d. When none is left above a threshold, all are computed anew and the threshold falls, until the bound holds. The bounds are
    those of `value_iteration`; `iterations` counts backups of single states.

    Raises:
        ValueError: values have no bound, or the tolerance was not reached in `max_backups`.
    """
    require_end(mdp)
    discount, (states, actions) = mdp.discount, mdp.available.shape
    table = sparse.csr_array(matrix(mdp))
    into = _predecessors(table, actions)
    rewards = np.where(mdp.available, mdp.expected_rewards, -np.inf)
    values, blocks = np.zeros(states), {}  # blocks: a state's successors, and p(s'|s, a) over them `[A, K]`
    threshold, backups = tolerance * (1 - discount) / 2 if discount < 1 else tolerance, 0
    while True:
        new = optimality(mdp, values)
        residual = new - values
        shift, bound = discounted_bound(residual, discount) if discount < 1 else (0.0, episodic_bound(mdp, new))
        if bound <= tolerance:
            values = np.where(mdp.terminal, 0.0, new + shift)
            return Solution(values, greedy(mdp, values), bound, backups)
        if backups >= max_backups or not residual.any():
            raise ValueError(f"tolerance: expected {tolerance} within {max_backups} backups, received a bound of {bound:.3g}.")
        priority = np.abs(residual)
        while priority[state := int(priority.argmax())] > threshold and backups < max_backups:
            if state not in blocks:
                rows = table[state * actions : (state + 1) * actions]
                columns = np.unique(rows.indices)
                blocks[state] = columns, rows[:, columns].toarray()
            columns, rows = blocks[state]
            change = (rewards[state] + discount * (rows @ values[columns])).max() - values[state]
            values[state] += change
            priority[state] = 0.0
            before = slice(into.indptr[state], into.indptr[state + 1])
            others = into.indices[before]
            priority[others] = np.maximum(priority[others], discount * into.data[before] * abs(change))
            backups += 1
        threshold /= 10


def _predecessors(table, actions):
    """max_a p(s'|s, a), `[S, S']`, by columns."""
    states = table.shape[1]
    greatest = sparse.csr_array((states, states))
    for action in range(actions):
        greatest = greatest.maximum(table[action::actions])
    return sparse.csc_array(greatest)
