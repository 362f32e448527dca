"""The optimal values as a linear program."""

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from lab.agents.tabular.bellman import Model, Solution, greedy_policy, require_finite_values, transition_matrix
from lab.agents.tabular.policy_evaluation import exact_evaluation
from lab.agents.tabular.policy_iteration import improvement_bound


def linear_programming(mdp: Model) -> Solution:
    """The optimal values as the solution of a linear program.

        minimise    sum_s V(s)
        subject to  V(s) >= r(s, a) + gamma sum_s' p(s'|s, a) V(s')  for all s, a

    (d'Epenoux 1963; Puterman 1994, section 6.9). SciPy's HiGHS solves it, but satisfies each
    constraint only within 1e-10. So the values returned are the exact values of the policy that is
    greedy in the solution.

    Returns:
        A `Solution` with the bound of `improvement_bound`; `iterations` counts those of the solver.

    Raises:
        ValueError: the program has no solution. Either values have no bound or, for gamma = 1, some
            states have no path to a terminal state.
    """
    require_finite_values(mdp)
    states, actions = mdp.available.shape
    used = np.flatnonzero(mdp.available)
    own = sparse.csr_array((np.ones(len(used)), (np.arange(len(used)), used // actions)), shape=(len(used), states))
    rows = sparse.csr_array(transition_matrix(mdp))[used]
    bounds = [(0.0, 0.0) if end else (None, None) for end in mdp.terminal]
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    result = linprog(
        np.ones(states),
        A_ub=mdp.discount * rows - own,
        b_ub=-mdp.expected_rewards.ravel()[used],
        bounds=bounds,
        method="highs",
        options=options,
    )
    if not result.success:
        raise ValueError(f"mdp: expected bounded values, received a linear program without a solution: {result.message}")
    policy = greedy_policy(mdp, result.x)
    values = exact_evaluation(mdp, policy)
    return Solution(values, policy, improvement_bound(mdp, policy, values), int(result.nit))
