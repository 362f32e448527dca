"""Bellman's operators, and what every dynamic programming method needs of them.

An `mdp` here is any object with `transitions` (`[S, A, S]`, or a scipy.sparse matrix `[S A, S]`), `expected_rewards` `[S, A]`,
`discount`, `terminal` `[S]` and `available` `[S, A]`, such as `envs.tabular.TabularMDP`; rows of terminal states are zero, so that
their values are 0. A policy is `[S]` actions or `[S, A]` probabilities.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order


class Model(Protocol):
    """A tabular MDP; see above."""

    transitions: Any
    expected_rewards: Any
    discount: float
    terminal: Any
    available: Any


class Solution(NamedTuple):
    """What a method found, and how far from the truth it can be."""

    values: np.ndarray  # V, [S]
    policy: np.ndarray  # greedy in V, [S] actions; the policy evaluated, where one was given
    bound: float  # |V - V*| (or V_pi) is not greater anywhere
    iterations: int  # sweeps, improvements or backups, as the method counts


def matrix(mdp):
    """p(s'|s, a) as a matrix `[S A, S]`, dense or sparse."""
    transitions = mdp.transitions
    return transitions if sparse.issparse(transitions) else transitions.reshape(-1, transitions.shape[2])


def action_values(mdp, values):
    """q(s, a) = r(s, a) + gamma sum_s' p(s'|s, a) V(s'), `[S, A]`; -inf for actions that a state does not have, 0 in terminal states."""
    q = mdp.expected_rewards + mdp.discount * (matrix(mdp) @ values).reshape(mdp.available.shape)
    return np.where(mdp.available | mdp.terminal[:, None], q, -np.inf)


def optimality(mdp, values):
    """T V = max_a q(s, a), `[S]` (Sutton and Barto 2018, eq. 4.10)."""
    return action_values(mdp, values).max(axis=1)


def expectation(mdp, policy, values):
    """T_pi V = sum_a pi(a|s) q(s, a), `[S]` (eq. 4.5)."""
    rows, rewards = under(mdp, policy)
    return rewards + mdp.discount * (rows @ values)


def probabilities(mdp, policy):
    """A policy as probabilities `[S, A]`; rows of terminal states are zero."""
    policy = np.asarray(policy)
    states, actions = mdp.available.shape
    if policy.shape == (states,) and policy.dtype.kind in "iu":
        if policy.min() < 0 or policy.max() >= actions:
            raise ValueError(f"policy: expected actions in [0, {actions}), received {policy.min()} to {policy.max()}.")
        chosen = np.zeros((states, actions))
        chosen[np.arange(states), policy] = 1.0
    elif policy.shape == (states, actions):
        chosen = policy.astype(float)
    else:
        raise ValueError(f"policy: expected {states} actions or probabilities {(states, actions)}, received {policy.shape}.")
    chosen = np.where(mdp.terminal[:, None], 0.0, chosen)
    wrong = ~mdp.terminal & ((np.abs(chosen.sum(axis=1) - 1) > 1e-9) | (np.where(mdp.available, 0.0, chosen) != 0).any(axis=1))
    if wrong.any() or (chosen < 0).any():
        state = int(np.flatnonzero(wrong | (chosen < 0).any(axis=1))[0])
        raise ValueError(
            f"policy: expected probabilities of available actions that sum to 1, received {chosen[state].tolist()} for state {state}."
        )
    return chosen


def uniform(mdp):
    """The policy that takes every available action equally often, `[S, A]`."""
    return mdp.available / np.maximum(mdp.available.sum(axis=1, keepdims=True), 1)


def under(mdp, policy):
    """(p(s'|s) `[S, S]`, dense or sparse; r(s) `[S]`) under a policy."""
    chosen = probabilities(mdp, policy)
    rewards = (chosen * mdp.expected_rewards).sum(axis=1)
    if not sparse.issparse(mdp.transitions):
        return np.einsum("sa,sat->st", chosen, mdp.transitions), rewards
    states, actions = chosen.shape
    pairs = np.flatnonzero(chosen)
    choice = sparse.csr_array((chosen.ravel()[pairs], (pairs // actions, pairs)), shape=(states, states * actions))
    return sparse.csr_array(choice @ mdp.transitions), rewards


def greedy(mdp, values, *, slack=1e-9):
    """An action of greatest q(s, a) in each state, `[S]`; 0 in terminal states.

    Where gamma = 1 and these actions never lead to an end, others as good, within `slack` of the greatest value's size, are taken that do: else
    a policy could wander for ever among states of equal value and never collect it.
    """
    q = action_values(mdp, values)
    policy = q.argmax(axis=1)
    if mdp.discount < 1:
        return policy
    first = np.arange(q.shape[1]) == policy[:, None]
    tied = q >= q.max(axis=1, keepdims=True) - slack * max(1.0, np.abs(values).max(initial=0.0))
    reached = np.array(mdp.terminal)
    for allowed in (first, tied):
        while True:
            closer = ((matrix(mdp) @ reached.astype(float)).reshape(q.shape) > 0) & allowed & ~reached[:, None]
            if not closer.any():
                break
            found = closer.any(axis=1)
            policy[found] = closer[found].argmax(axis=1)
            reached |= found
    return policy


def require_end(mdp):
    """ValueError where gamma = 1 and some rewards can never stop: a state from which no terminal state can be reached, and that pays."""
    if mdp.discount < 1:
        return
    states, actions = mdp.available.shape
    links = sparse.coo_array(matrix(mdp))
    graph = sparse.coo_array((np.ones(links.nnz), (links.col, links.row // actions)), shape=(states, states))
    # Backwards from one further node behind all terminal states.
    ends = np.flatnonzero(mdp.terminal)
    rows, columns = np.append(graph.row, np.full(len(ends), states)), np.append(graph.col, ends)
    graph = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(states + 1, states + 1))
    can_end = np.zeros(states + 1, bool)
    can_end[breadth_first_order(graph, states, return_predecessors=False)] = True
    for state in np.flatnonzero(~can_end[:-1] & (mdp.expected_rewards != 0).any(axis=1)):
        raise ValueError(
            f"discount: expected < 1 where an episode cannot end, received 1 and no terminal state within reach of state {state}: "
            "its value has no bound."
        )


def discounted_bound(residual, discount):
    """(shift, bound) from T V - V, for gamma < 1: |V' + shift - V*| <= bound, V' = T V (MacQueen 1966; Porteus 1971).

    With b = gamma / (1 - gamma): V* lies between V' + b min(T V - V) and V' + b max(T V - V); the shift is their middle. The same
    holds for T_pi and V_pi. Terminal states, whose residual is 0, belong to it; their values are 0 and not to be shifted. Rounding is not
    counted: it is of the size 1e-16 max |V| b.
    """
    low, high = float(residual.min()), float(residual.max())
    factor = discount / (1 - discount)
    return factor * (low + high) / 2, factor * (high - low) / 2
