"""Value iteration, and modified policy iteration, of which it is the case without extra sweeps."""

import numpy as np

from lab.agents.tabular.bellman import (
    Solution,
    action_values,
    discounted_bound,
    greedy,
    optimality,
    require_end,
    under,
)
from lab.agents.tabular.policy_evaluation import exact_evaluation, greatest_expected_length


def value_iteration(mdp, *, tolerance=1e-8, max_sweeps=100_000, on_sweep=None):
    """Sweeps V <- T V until |V - V*| <= tolerance for sure (Sutton and Barto 2018, section 4.4).

    For gamma < 1 the bound is MacQueen's, and the values returned are the middle of his interval (Puterman 1994, section 6.6.3). For gamma = 1
    it is the distance from the exact value V_pi of the greedy policy, and the greatest expected length of its episodes times max (T V_pi - V_pi);
    this takes for granted that the best policy ends, and no later than the greedy one. Rounding, 1e-16 of the values' size a sweep, is not counted.

    Args:
        on_sweep: called with (sweep, bound so far) after each, for a progress bar; the bound is infinite until it is known.

    Raises:
        ValueError: values have no bound, or the tolerance was not reached in `max_sweeps`.
    """
    return modified_policy_iteration(mdp, sweeps=0, tolerance=tolerance, max_improvements=max_sweeps, on_improvement=on_sweep)


def modified_policy_iteration(mdp, *, sweeps=20, tolerance=1e-8, max_improvements=100_000, on_improvement=None):
    """V <- T V, then `sweeps` times V <- T_pi V with the greedy policy pi (Puterman and Shin 1978). Bounds: see `value_iteration`."""
    require_end(mdp)
    values, worth_checking = np.zeros(len(mdp.terminal)), tolerance
    for count in range(1, max_improvements + 1):
        q = action_values(mdp, values)
        new = q.max(axis=1)
        residual = new - values
        shift, bound = 0.0, np.inf
        if mdp.discount < 1:
            shift, bound = discounted_bound(residual, mdp.discount)
        elif np.abs(residual).max(initial=0.0) <= worth_checking:
            bound, worth_checking = episodic_bound(mdp, new), worth_checking / 10
        if on_improvement is not None:
            on_improvement(count, bound)
        if bound <= tolerance:
            new = np.where(mdp.terminal, 0.0, new + shift)
            return Solution(new, greedy(mdp, new), bound, count)
        if sweeps:
            rows, rewards = under(mdp, q.argmax(axis=1))
            for _ in range(sweeps):
                new = rewards + mdp.discount * (rows @ new)
        values = new
    raise ValueError(
        f"tolerance: expected {tolerance} within {max_improvements} sweeps, received a last change of {np.abs(residual).max():.3g}"
        + ("." if mdp.discount < 1 else ": with discount 1 a policy that goes on being paid for ever has no value.")
    )


def episodic_bound(mdp, values):
    """A bound on |V - V*| for gamma = 1, by the greedy policy; see `value_iteration`. Infinite where that policy never ends and is paid."""
    policy = greedy(mdp, values)
    try:
        reached = exact_evaluation(mdp, policy)
    except ValueError:
        return np.inf
    rest = np.maximum(optimality(mdp, reached) - reached, 0.0).max(initial=0.0)
    return float(np.abs(values - reached).max(initial=0.0) + greatest_expected_length(mdp, policy) * rest)
