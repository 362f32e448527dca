"""Policy evaluation: V_pi by a linear system, or by sweeps, synchronous or in place."""

import numpy as np
import scipy.linalg
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve, spsolve_triangular

from lab.agents.tabular.bellman import Model, Solution, action_probabilities, discounted_bound, reward_process


def exact_evaluation(mdp: Model, policy: np.typing.ArrayLike) -> np.ndarray:
    """V_pi, `[S]`, the solution of (I - gamma P_pi) V = r_pi.

    Raises:
        ValueError: gamma = 1, and from some states the policy never ends and collects rewards
            forever. Their values have no bound.
    """
    rows, rewards = reward_process(mdp, policy)
    return _solve(rows, rewards, mdp.discount, _zero_states(mdp, rows, rewards))


def greatest_expected_length(mdp: Model, policy: np.typing.ArrayLike) -> float:
    """The greatest, over all states, expected number of steps of an episode under a policy.

    States from which the policy never ends, but without rewards, count as terminal here.
    """
    rows, rewards = reward_process(mdp, policy)
    return float(_solve(rows, np.ones(len(rewards)), 1.0, _zero_states(mdp, rows, rewards)).max(initial=0.0))


def iterative_evaluation(
    mdp: Model,
    policy: np.typing.ArrayLike,
    *,
    tolerance: float = 1e-8,
    in_place: bool = False,
    max_sweeps: int = 100_000,
) -> Solution:
    """Sweeps V <- T_pi V until a bound on |V - V_pi| is <= tolerance.

    Sutton and Barto 2018, section 4.1. With the change d of the last sweep, the bound is

        MacQueen's (see `discounted_bound`)           for gamma < 1,
        gamma / (1 - gamma) max |d|                   for gamma < 1 and `in_place`,
        max |d| times the greatest expected length    for gamma = 1.

    Args:
        mdp: see `Model`.
        policy: pi, `[S]` actions or `[S, A]` probabilities.
        tolerance: greatest allowed bound.
        in_place: whether the update of a state uses the new values of the states before it
            (Gauss-Seidel). Each sweep then solves one triangular system.
        max_sweeps: greatest number of sweeps.

    Raises:
        ValueError: values have no bound (see `exact_evaluation`), or the bound is still greater
            than the tolerance after `max_sweeps`.
    """
    rows, rewards = reward_process(mdp, policy)
    discount = mdp.discount
    zero = _zero_states(mdp, rows, rewards)
    length = greatest_expected_length(mdp, policy) if discount == 1 else discount / (1 - discount)
    sweep = _in_place(rows, rewards, discount) if in_place else lambda values: rewards + discount * (rows @ values)
    values = np.zeros(len(rewards))
    for count in range(1, max_sweeps + 1):
        new = sweep(values)
        new[zero] = 0.0
        shift, bound = 0.0, length * float(np.abs(new - values).max(initial=0.0))
        if discount < 1 and not in_place:
            shift, bound = discounted_bound(new - values, discount)
        values = new
        if bound <= tolerance:
            return Solution(np.where(zero, 0.0, values + shift), action_probabilities(mdp, policy), bound, count)
    raise ValueError(f"tolerance: expected {tolerance} within {max_sweeps} sweeps, received a bound of {bound:.3g}.")


def _in_place(rows, rewards, discount):
    """A function that makes one sweep through the states in order.

    (I - gamma L) V' = r + gamma U V,    L the part of P_pi below the diagonal, U the rest
    """
    if sparse.issparse(rows):
        lower, upper = sparse.tril(rows, -1), sparse.triu(rows)
        system = sparse.csr_array(sparse.eye_array(len(rewards)) - discount * lower)
        return lambda values: spsolve_triangular(system, rewards + discount * (upper @ values), lower=True, unit_diagonal=True)
    system, upper = np.eye(len(rewards)) - discount * np.tril(rows, -1), np.triu(rows)

    def sweep(values):
        right = rewards + discount * (upper @ values)
        return scipy.linalg.solve_triangular(system, right, lower=True, unit_diagonal=True)

    return sweep


def _zero_states(mdp, rows, rewards):
    """The states from which no reward can follow, `[S]` bool; their value is 0.

    These are terminal states and, for gamma = 1, states from which the policy never ends but never
    collects a reward either.
    """
    terminal = np.array(mdp.terminal)
    if mdp.discount < 1:
        return terminal
    links = sparse.coo_array(rows)
    links = sparse.csr_array((np.ones(links.nnz), (links.row, links.col)), shape=links.shape)
    count, component = connected_components(links, directed=True, connection="strong")
    links = sparse.coo_array(links)
    closed = np.ones(count, bool)  # components that have no way out and no terminal state
    closed[component[links.row][component[links.row] != component[links.col]]] = False
    closed[component[terminal]] = False
    endless = closed[component]
    for state in np.flatnonzero(endless & (rewards != 0)):
        raise ValueError(
            "discount: expected < 1, or a policy that ends, "
            f"received 1 and a policy that returns to state {state} forever, with a reward of {rewards[state]:.6g} there: "
            "values have no bound."
        )
    return terminal | endless


def _solve(rows, rewards, discount, zero):
    """The solution of (I - gamma P) V = r, with V = 0 in the states `zero`."""
    values = np.zeros(len(rewards))
    rest = np.flatnonzero(~zero)
    if sparse.issparse(rows):
        system = sparse.eye_array(len(rest)) - discount * sparse.csr_array(rows)[rest][:, rest]
        values[rest] = spsolve(sparse.csc_array(system), rewards[rest])
    else:
        values[rest] = np.linalg.solve(np.eye(len(rest)) - discount * rows[np.ix_(rest, rest)], rewards[rest])
    return values
