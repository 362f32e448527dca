"""The optimal values as a linear program."""

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from lab.agents.tabular.bellman import Solution, greedy, matrix, require_end
from lab.agents.tabular.policy_evaluation import exact_evaluation
from lab.agents.tabular.policy_iteration import improvement_bound


def linear_programming(mdp):
    """The least V with V(s) >= r(s, a) + gamma sum_s' p(s'|s, a) V(s') for every pair (d'Epenoux 1963; Puterman 1994, section 6.9).

    Minimises sum_s V(s) with scipy's HiGHS. Its vertex belongs to a policy, whose value is then computed exactly, for the solver's own tolerance
    is 1e-10 of each constraint only. The bound is that of `policy_iteration`; `iterations` counts those of the solver.

    Raises:
        ValueError: the program has no solution, for values have no bound, or, for gamma = 1, because some states have no way to an end.
    """
    require_end(mdp)
    states, actions = mdp.available.shape
    used = np.flatnonzero(mdp.available)
    own = sparse.csr_array((np.ones(len(used)), (np.arange(len(used)), used // actions)), shape=(len(used), states))
    rows = sparse.csr_array(matrix(mdp))[used]
    bounds = [(0.0, 0.0) if end else (None, None) for end in mdp.terminal]
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    answer = linprog(
        np.ones(states), A_ub=mdp.discount * rows - own, b_ub=-mdp.expected_rewards.ravel()[used], bounds=bounds,
        method="highs", options=options,
    )  # fmt: skip
    if not answer.success:
        raise ValueError(f"mdp: expected bounded values, received a linear program without a solution: {answer.message}")
    policy = greedy(mdp, answer.x)
    values = exact_evaluation(mdp, policy)
    return Solution(values, policy, improvement_bound(mdp, policy, values), int(answer.nit))
