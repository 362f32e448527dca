"""Bellman operators, and functions that all dynamic programming methods use.

An `mdp` is any object with the attributes of `Model`, such as `envs.tabular.TabularMDP`.
A policy is `[S]` actions or `[S, A]` probabilities.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order


class Model(Protocol):
    """A tabular MDP with S states and A actions. The value of a terminal state is 0."""

    @property
    def transitions(self) -> Any:
        """p(s'|s, a), `[S, A, S]`, or a scipy.sparse matrix `[S A, S]`; 0 in terminal states."""

    @property
    def expected_rewards(self) -> Any:
        """r(s, a), `[S, A]`; 0 in terminal states."""

    @property
    def discount(self) -> float:
        """gamma, in [0, 1]."""

    @property
    def terminal(self) -> Any:
        """Which states are terminal, `[S]` bool."""

    @property
    def available(self) -> Any:
        """Which actions a state has, `[S, A]` bool."""


class Solution(NamedTuple):
    """The result of a dynamic programming method, with a bound on its error."""

    values: np.ndarray  # V, [S]
    policy: np.ndarray  # the policy that is greedy in V, [S] actions; or the policy evaluated, [S, A]
    bound: float  # |V - V*| (or |V - V_pi|) <= bound in every state
    iterations: int  # sweeps, improvements or backups; see each method


def transition_matrix(mdp: Model) -> Any:
    """p(s'|s, a) as a matrix `[S A, S]`, dense or sparse."""
    transitions = mdp.transitions
    return transitions if sparse.issparse(transitions) else transitions.reshape(-1, transitions.shape[2])


def action_values(mdp: Model, values: np.ndarray) -> np.ndarray:
    """Action values `[S, A]` from state values `[S]`.

        q(s, a) = r(s, a) + gamma sum_s' p(s'|s, a) V(s')

    They are -inf for actions that are not available, and 0 in terminal states.
    """
    q = mdp.expected_rewards + mdp.discount * (transition_matrix(mdp) @ values).reshape(mdp.available.shape)
    return np.where(mdp.available | mdp.terminal[:, None], q, -np.inf)


def optimality_operator(mdp: Model, values: np.ndarray) -> np.ndarray:
    """(T V)(s) = max_a q(s, a), `[S]` (Sutton and Barto 2018, eq. 4.10)."""
    return action_values(mdp, values).max(axis=1)


def expectation_operator(mdp: Model, policy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T_pi V)(s) = sum_a pi(a|s) q(s, a), `[S]` (Sutton and Barto 2018, eq. 4.5)."""
    rows, rewards = reward_process(mdp, policy)
    return rewards + mdp.discount * (rows @ values)


def action_probabilities(mdp: Model, policy: np.typing.ArrayLike) -> np.ndarray:
    """A policy as probabilities pi(a|s), `[S, A]`; 0 in terminal states.

    Raises:
        ValueError: the policy has another shape, takes actions that are not available, or has
            probabilities that do not sum to 1.
    """
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
    wrong_sum = np.abs(chosen.sum(axis=1) - 1) > 1e-9
    unavailable = (np.where(mdp.available, 0.0, chosen) != 0).any(axis=1)
    wrong = ~mdp.terminal & (wrong_sum | unavailable) | (chosen < 0).any(axis=1)
    if wrong.any():
        state = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            "policy: expected probabilities of available actions that sum to 1, "
            f"received {chosen[state].tolist()} for state {state}."
        )
    return chosen


def uniform_policy(mdp: Model) -> np.ndarray:
    """The policy in which all available actions have the same probability, `[S, A]`."""
    return mdp.available / np.maximum(mdp.available.sum(axis=1, keepdims=True), 1)


def reward_process(mdp: Model, policy: np.typing.ArrayLike) -> tuple[Any, np.ndarray]:
    """The Markov reward process of a policy.

    Returns:
        (p(s'|s) `[S, S]`, dense or sparse like the transitions; r(s) `[S]`).
    """
    chosen = action_probabilities(mdp, policy)
    rewards = (chosen * mdp.expected_rewards).sum(axis=1)
    if not sparse.issparse(mdp.transitions):
        return np.einsum("sa,sat->st", chosen, mdp.transitions), rewards
    states, actions = chosen.shape
    pairs = np.flatnonzero(chosen)
    choice = sparse.csr_array((chosen.ravel()[pairs], (pairs // actions, pairs)), shape=(states, states * actions))
    return sparse.csr_array(choice @ mdp.transitions), rewards


def greedy_policy(mdp: Model, values: np.ndarray, *, slack: float = 1e-9) -> np.ndarray:
    """An action with the greatest q(s, a) in each state, `[S]`; 0 in terminal states.

    With gamma = 1, a greedy policy could stay forever among states of equal value. So where the
    first best actions never lead to a terminal state, the policy takes another action that does
    and that is as good.

    Args:
        mdp: see `Model`.
        values: V, `[S]`.
        slack: actions are as good as the best if their q differ by at most slack max(1, max |V|).
    """
    q = action_values(mdp, values)
    policy = q.argmax(axis=1)
    if mdp.discount < 1:
        return policy
    first = np.arange(q.shape[1]) == policy[:, None]
    tied = q >= q.max(axis=1, keepdims=True) - slack * max(1.0, np.abs(values).max(initial=0.0))
    reached = np.array(mdp.terminal)  # states from which the policy ends with a probability > 0
    for allowed in (first, tied):
        while True:
            closer = ((transition_matrix(mdp) @ reached.astype(float)).reshape(q.shape) > 0) & allowed & ~reached[:, None]
            if not closer.any():
                break
            found = closer.any(axis=1)
            policy[found] = closer[found].argmax(axis=1)
            reached |= found
    return policy


def require_finite_values(mdp: Model) -> None:
    """Checks that V* is finite, as far as the graph of transitions tells.

    Raises:
        ValueError: gamma = 1, and a state with rewards has no path to a terminal state.
    """
    if mdp.discount < 1:
        return
    states, actions = mdp.available.shape
    links = sparse.coo_array(transition_matrix(mdp))
    graph = sparse.coo_array((np.ones(links.nnz), (links.col, links.row // actions)), shape=(states, states))
    # Search backwards, from one additional node behind all terminal states.
    ends = np.flatnonzero(mdp.terminal)
    rows = np.append(graph.row, np.full(len(ends), states))
    columns = np.append(graph.col, ends)
    graph = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(states + 1, states + 1))
    can_end = np.zeros(states + 1, bool)
    can_end[breadth_first_order(graph, states, return_predecessors=False)] = True
    for state in np.flatnonzero(~can_end[:-1] & (mdp.expected_rewards != 0).any(axis=1)):
        raise ValueError(
            "discount: expected < 1 where an episode cannot end, "
            f"received 1 and no path from state {state} to a terminal state: its value has no bound."
        )


def discounted_bound(residual: np.ndarray, discount: float) -> tuple[float, float]:
    """MacQueen's bound on the error after a sweep V' = T V, for gamma < 1.

    With b = gamma / (1 - gamma) and the residual d = T V - V,

        V' + b min(d) <= V* <= V' + b max(d)

    (MacQueen 1966; Porteus 1971). The same holds for T_pi and V_pi. Terminal states, where d = 0,
    belong to d; but their values are 0, and must not be shifted. The rounding error, about
    1e-16 max |V| b, is not counted.

    Args:
        residual: d, `[S]`.
        discount: gamma, in [0, 1).

    Returns:
        (shift, bound): |V' + shift - V*| <= bound. The shift is the middle of the interval.
    """
    low, high = float(residual.min()), float(residual.max())
    factor = discount / (1 - discount)
    return factor * (low + high) / 2, factor * (high - low) / 2
