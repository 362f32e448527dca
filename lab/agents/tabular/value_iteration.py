"""Value iteration and modified policy iteration.

Value iteration is modified policy iteration without additional sweeps.
"""

from collections.abc import Callable

import numpy as np

from lab.agents.tabular.bellman import (
    Model,
    Solution,
    action_values,
    discounted_bound,
    greedy_policy,
    optimality_operator,
    require_finite_values,
    reward_process,
)
from lab.agents.tabular.policy_evaluation import exact_evaluation, greatest_expected_length


def value_iteration(
    mdp: Model,
    *,
    tolerance: float = 1e-8,
    max_sweeps: int = 100_000,
    on_sweep: Callable[[int, float], object] | None = None,
) -> Solution:
    """Sweeps V <- T V until a bound on |V - V*| is <= tolerance.

    Sutton and Barto 2018, section 4.4. For gamma < 1 the bound is MacQueen's (`discounted_bound`),
    and the values returned are the middle of its interval (Puterman 1994, section 6.6.3).
    For gamma = 1 the bound is that of `episodic_bound`. Rounding errors, about 1e-16 max |V| per
    sweep, are not counted.

    Args:
        mdp: see `Model`.
        tolerance: greatest allowed bound.
        max_sweeps: greatest number of sweeps.
        on_sweep: called with (number of sweeps, bound) after each sweep, for example by a progress
            bar. The bound is infinite as long as it is not computed.

    Raises:
        ValueError: values have no bound, or the bound is still greater than the tolerance after
            `max_sweeps`.
    """
    return modified_policy_iteration(mdp, sweeps=0, tolerance=tolerance, max_improvements=max_sweeps, on_improvement=on_sweep)


def modified_policy_iteration(
    mdp: Model,
    *,
    sweeps: int = 20,
    tolerance: float = 1e-8,
    max_improvements: int = 100_000,
    on_improvement: Callable[[int, float], object] | None = None,
) -> Solution:
    """Alternates V <- T V and several sweeps V <- T_pi V with the greedy policy pi of that update.

    Puterman and Shin 1978. Bounds, arguments and errors are those of `value_iteration`.

    Args:
        mdp: see `Model`.
        sweeps: number of sweeps V <- T_pi V after each improvement.
        tolerance: greatest allowed bound.
        max_improvements: greatest number of updates V <- T V.
        on_improvement: called with (number of improvements, bound) after each V <- T V.
    """
    require_finite_values(mdp)
    values = np.zeros(len(mdp.terminal))
    check_below = tolerance  # the bound for gamma = 1 is expensive: compute it only at small residuals
    for count in range(1, max_improvements + 1):
        q = action_values(mdp, values)
        new = q.max(axis=1)
        residual = new - values
        shift, bound = 0.0, np.inf
        if mdp.discount < 1:
            shift, bound = discounted_bound(residual, mdp.discount)
        elif np.abs(residual).max(initial=0.0) <= check_below:
            bound = episodic_bound(mdp, new)
            check_below /= 10
        if on_improvement is not None:
            on_improvement(count, bound)
        if bound <= tolerance:
            new = np.where(mdp.terminal, 0.0, new + shift)
            return Solution(new, greedy_policy(mdp, new), bound, count)
        if sweeps:
            rows, rewards = reward_process(mdp, q.argmax(axis=1))
            for _ in range(sweeps):
                new = rewards + mdp.discount * (rows @ new)
        values = new
    reason = "." if mdp.discount < 1 else ": with discount 1, a policy that collects rewards forever has no finite value."
    raise ValueError(
        f"tolerance: expected {tolerance} within {max_improvements} sweeps, "
        f"received a last change of {np.abs(residual).max():.3g}{reason}"
    )


def episodic_bound(mdp: Model, values: np.ndarray) -> float:
    """A bound on |V - V*| for gamma = 1, from the exact value V_pi of the greedy policy pi.

        max |V - V_pi| + max (T V_pi - V_pi) times the greatest expected length of an episode of pi

    It is infinite if pi never ends and collects rewards forever. It is assumed that the best policy
    ends, and not later than pi does.
    """
    policy = greedy_policy(mdp, values)
    try:
        policy_values = exact_evaluation(mdp, policy)
    except ValueError:
        return np.inf
    gain = np.maximum(optimality_operator(mdp, policy_values) - policy_values, 0.0).max(initial=0.0)
    return float(np.abs(values - policy_values).max(initial=0.0) + greatest_expected_length(mdp, policy) * gain)
