"""The 95 % interval of a mean over seeds."""

from typing import Any


def half_width(values: Any) -> Any:
    """Half the width of the 95 % interval of means over the first axis: `[n, ...]` -> `[...]`.

        t(0.975, n - 1) s / √n

    t is the quantile of Student's distribution, s the standard deviation with n - 1 in its
    denominator, and n > 1.

    Args:
        values: an array or a list.
    """
    from scipy import stats

    return stats.t.ppf(0.975, len(values) - 1) * stats.sem(values, axis=0)
