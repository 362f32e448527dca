"""Policy iteration."""

import numpy as np

from lab.agents.tabular.bellman import Solution, action_values, greedy, require_end, uniform
from lab.agents.tabular.policy_evaluation import exact_evaluation, greatest_expected_length


def policy_iteration(mdp, *, policy=None, slack=1e-12, max_improvements=10_000):
    """Exact evaluation and greedy improvement in turn, until no action is better (Howard 1960; Sutton and Barto 2018, section 4.3).

    Args:
        policy: to begin with; all available actions equally often by default. For gamma = 1 it must end, or not be paid.
        slack: how much better than the present value an action must be, relative to the greatest value, to be no rounding error.

    Returns:
        A `Solution`; its bound is `improvement_bound`. For gamma = 1 it is the best policy that ends, wherever one can.
    """
    require_end(mdp)
    policy = uniform(mdp) if policy is None else policy
    for count in range(1, max_improvements + 1):
        values = exact_evaluation(mdp, policy)
        q = action_values(mdp, values)
        gain, rounding = q.max(axis=1) - values, slack * max(1.0, np.abs(values).max(initial=0.0))
        if gain.max(initial=0.0) <= rounding:
            policy = greedy(mdp, values) if np.ndim(policy) == 2 else policy
            return Solution(values, policy, improvement_bound(mdp, policy, values), count)
        better = greedy(mdp, values)
        policy = better if np.ndim(policy) == 2 else np.where(gain > rounding, better, policy)
    raise ValueError(
        f"max_improvements: expected a policy that cannot be improved after {max_improvements}, received one that can."
    )


def improvement_bound(mdp, policy, values):
    """A bound on |V_pi - V*| from V_pi: max (T V_pi - V_pi) / (1 - gamma), or for gamma = 1 times the greatest expected length of an episode.

    For gamma = 1 it takes for granted that the best policy ends, and no later than this one does.
    """
    gain = float((action_values(mdp, values).max(axis=1) - values).max(initial=0.0))
    length = greatest_expected_length(mdp, policy) if mdp.discount == 1 else 1 / (1 - mdp.discount)
    return length * max(gain, 0.0)
