"""Policy evaluation: V_pi by a linear system, or by sweeps, synchronous or in place."""

import numpy as np
import scipy.linalg
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve, spsolve_triangular

from lab.agents.tabular.bellman import Solution, discounted_bound, probabilities, under


def exact_evaluation(mdp, policy):
    """V_pi, `[S]`: the solution of (I - gamma P_pi) V = r_pi.

    Raises:
        ValueError: gamma = 1 and the policy never ends from some states, and collects rewards there: their values have no bound.
    """
    rows, rewards = under(mdp, policy)
    return _solve(rows, rewards, mdp.discount, _idle(mdp, rows, rewards))


def greatest_expected_length(mdp, policy):
    """The expected number of steps to an end, under the policy, from the state from which it is greatest; states that idle count as ends."""
    rows, rewards = under(mdp, policy)
    return float(_solve(rows, np.ones(len(rewards)), 1.0, _idle(mdp, rows, rewards)).max(initial=0.0))


def iterative_evaluation(mdp, policy, *, tolerance=1e-8, in_place=False, max_sweeps=100_000):
    """Sweeps V <- T_pi V until |V - V_pi| <= tolerance for sure (Sutton and Barto 2018, section 4.1).

    For gamma < 1 the bound is MacQueen's, or with `in_place` gamma/(1-gamma) max |change|; for gamma = 1 it is the greatest expected
    length of an episode times max |change|.

    Args:
        in_place: each state at once sees the new values of those before it (Gauss-Seidel): one triangular system per sweep.

    Raises:
        ValueError: values have no bound (see `exact_evaluation`), or the tolerance was not reached in `max_sweeps`.
    """
    rows, rewards = under(mdp, policy)
    idle, discount = _idle(mdp, rows, rewards), mdp.discount
    length = greatest_expected_length(mdp, policy) if discount == 1 else discount / (1 - discount)
    sweep = _in_place(rows, rewards, discount) if in_place else lambda values: rewards + discount * (rows @ values)
    values = np.zeros(len(rewards))
    for count in range(1, max_sweeps + 1):
        new = sweep(values)
        new[idle] = 0.0
        shift, bound = 0.0, length * float(np.abs(new - values).max(initial=0.0))
        if discount < 1 and not in_place:
            shift, bound = discounted_bound(new - values, discount)
        values = new
        if bound <= tolerance:
            return Solution(np.where(idle, 0.0, values + shift), probabilities(mdp, policy), bound, count)
    raise ValueError(f"tolerance: expected {tolerance} within {max_sweeps} sweeps, received a bound of {bound:.3g}.")


def _in_place(rows, rewards, discount):
    """A sweep through the states in order: (I - gamma L) V' = r + gamma U V, L below the diagonal, U the rest."""
    if sparse.issparse(rows):
        lower, upper = sparse.tril(rows, -1), sparse.triu(rows)
        system = sparse.csr_array(sparse.eye_array(len(rewards)) - discount * lower)
        return lambda values: spsolve_triangular(system, rewards + discount * (upper @ values), lower=True, unit_diagonal=True)
    system, upper = np.eye(len(rewards)) - discount * np.tril(rows, -1), np.triu(rows)

    def sweep(values):
        right = rewards + discount * (upper @ values)
        return scipy.linalg.solve_triangular(system, right, lower=True, unit_diagonal=True)

    return sweep


def _idle(mdp, rows, rewards):
    """The states whose value is 0 because nothing is paid any more: terminal ones and, for gamma = 1, those of endless unpaid wandering."""
    idle = np.array(mdp.terminal)
    if mdp.discount < 1:
        return idle
    links = sparse.coo_array(rows)
    links = sparse.csr_array((np.ones(links.nnz), (links.row, links.col)), shape=links.shape)
    count, component = connected_components(links, directed=True, connection="strong")
    links = sparse.coo_array(links)
    closed = np.ones(count, bool)  # no way out, and no terminal state within
    closed[component[links.row][component[links.row] != component[links.col]]] = False
    closed[component[idle]] = False
    endless = closed[component]
    for state in np.flatnonzero(endless & (rewards != 0)):
        raise ValueError(
            f"discount: expected < 1, or a policy that ends, received 1 and a policy that stays around state {state} for ever and is paid "
            f"{rewards[state]:.6g} there: values have no bound."
        )
    return idle | endless


def _solve(rows, rewards, discount, idle):
    values, busy = np.zeros(len(rewards)), np.flatnonzero(~idle)
    if sparse.issparse(rows):
        system = sparse.eye_array(len(busy)) - discount * sparse.csr_array(rows)[busy][:, busy]
        values[busy] = spsolve(sparse.csc_array(system), rewards[busy])
    else:
        values[busy] = np.linalg.solve(np.eye(len(busy)) - discount * rows[np.ix_(busy, busy)], rewards[busy])
    return values
