"""Statistics of one number over seeds."""

import numpy as np
from scipy import stats

from lab.runs import intervals


def half_width(values: np.typing.ArrayLike) -> float:
    """Half the width of the 95 % Student interval of a mean; NaN of one value."""
    return float(intervals.half_width(values)) if len(values) > 1 else float("nan")


def interval(values: np.typing.ArrayLike, digits: int) -> str:
    """Mean ± 95 % Student interval, as text. One value has no interval."""
    spread = f" ± {half_width(values):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def interquartile_mean(values: np.typing.ArrayLike, axis: int = -1) -> np.ndarray:
    """The mean of the middle half."""
    return stats.trim_mean(values, 0.25, axis=axis)


def bootstrap(values: np.typing.ArrayLike, resamples: int = 10_000) -> tuple[float, float]:
    """The 95 % interval of the interquartile mean: percentiles of means over resampled seeds."""
    rng = np.random.default_rng(0)
    result = stats.bootstrap((values,), interquartile_mean, n_resamples=resamples, rng=rng, method="percentile")
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
