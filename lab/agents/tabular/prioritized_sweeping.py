"""Prioritised sweeping on a known model."""

import numpy as np
from scipy import sparse

from lab.agents.tabular.bellman import (
    Model,
    Solution,
    discounted_bound,
    greedy_policy,
    optimality_operator,
    require_finite_values,
    transition_matrix,
)
from lab.agents.tabular.value_iteration import episodic_bound


def prioritized_sweeping(mdp: Model, *, tolerance: float = 1e-8, max_backups: int = 1_000_000) -> Solution:
    """Repeats the backup V(s) <- (T V)(s) of the state with the greatest priority.

    Moore and Atkeson 1993; Sutton and Barto 2018, section 8.4, with a known model. The priority of
    a state s is

        |T V(s) - V(s)|                       at first,
        0                                     after its backup,
        at least gamma max_a p(s'|s, a) |d|   after the value of s' has changed by d.

    When all priorities are below a threshold, they are computed anew and the threshold is divided
    by 10, until the bound on the error holds.

    Args:
        mdp: see `Model`.
        tolerance: greatest allowed bound.
        max_backups: greatest number of backups.

    Returns:
        A `Solution` with the bounds of `value_iteration`; `iterations` counts backups.

    Raises:
        ValueError: values have no bound, or the bound is still greater than the tolerance after
            `max_backups`.
    """
    require_finite_values(mdp)
    discount = mdp.discount
    states, actions = mdp.available.shape
    table = sparse.csr_array(transition_matrix(mdp))
    into = _predecessors(table, actions)
    rewards = np.where(mdp.available, mdp.expected_rewards, -np.inf)
    values = np.zeros(states)
    blocks = {}  # {s: (its successors [K], p(s'|s, a) of these [A, K])}
    threshold = tolerance * (1 - discount) / 2 if discount < 1 else tolerance
    backups = 0
    while True:
        new = optimality_operator(mdp, values)
        residual = new - values
        shift, bound = discounted_bound(residual, discount) if discount < 1 else (0.0, episodic_bound(mdp, new))
        if bound <= tolerance:
            values = np.where(mdp.terminal, 0.0, new + shift)
            return Solution(values, greedy_policy(mdp, values), bound, backups)
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
    """max_a p(s'|s, a), `[S, S']`, a sparse matrix by columns."""
    states = table.shape[1]
    greatest = sparse.csr_array((states, states))
    for action in range(actions):
        greatest = greatest.maximum(table[action::actions])
    return sparse.csc_array(greatest)
