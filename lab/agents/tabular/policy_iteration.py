"""Policy iteration."""

import numpy as np

from lab.agents.tabular.bellman import (
    Model,
    Solution,
    action_values,
    greedy_policy,
    require_finite_values,
    uniform_policy,
)
from lab.agents.tabular.policy_evaluation import exact_evaluation, greatest_expected_length


def policy_iteration(
    mdp: Model, *, policy: np.ndarray | None = None, slack: float = 1e-12, max_improvements: int = 10_000
) -> Solution:
    """Alternates exact evaluation and greedy improvement, until no action is better.

    Howard 1960; Sutton and Barto 2018, section 4.3.

    Args:
        mdp: see `Model`.
        policy: the first policy, `[S]` actions or `[S, A]` probabilities. Default: the uniform
            policy. For gamma = 1 it must end from every state, or collect no rewards there.
        slack: an action is better if its q exceeds V(s) by more than slack max(1, max |V|). Smaller
            differences count as rounding errors.
        max_improvements: greatest number of evaluations.

    Returns:
        A `Solution` with the bound of `improvement_bound`; `iterations` counts evaluations. For
        gamma = 1 it is the best policy that ends, in all states from which a policy can end.

    Raises:
        ValueError: values have no bound, or the policy still improves after `max_improvements`.
    """
    require_finite_values(mdp)
    policy = uniform_policy(mdp) if policy is None else policy
    for count in range(1, max_improvements + 1):
        values = exact_evaluation(mdp, policy)
        q = action_values(mdp, values)
        gain = q.max(axis=1) - values
        rounding = slack * max(1.0, np.abs(values).max(initial=0.0))
        if gain.max(initial=0.0) <= rounding:
            policy = greedy_policy(mdp, values) if np.ndim(policy) == 2 else policy
            return Solution(values, policy, improvement_bound(mdp, policy, values), count)
        better = greedy_policy(mdp, values)
        policy = better if np.ndim(policy) == 2 else np.where(gain > rounding, better, policy)
    raise ValueError(f"max_improvements: expected no better policy after {max_improvements} improvements, received one.")


def improvement_bound(mdp: Model, policy: np.ndarray, values: np.ndarray) -> float:
    """A bound on |V_pi - V*| from V_pi, `values`.

        max (T V_pi - V_pi) / (1 - gamma)                           for gamma < 1,
        max (T V_pi - V_pi) times the greatest expected length     for gamma = 1.

    For gamma = 1 it is assumed that the best policy ends, and not later than `policy` does.
    """
    gain = float((action_values(mdp, values).max(axis=1) - values).max(initial=0.0))
    length = greatest_expected_length(mdp, policy) if mdp.discount == 1 else 1 / (1 - mdp.discount)
    return length * max(gain, 0.0)
