"""Statistics of a few runs.

They are those of Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice". The
scores of an algorithm are a list with an array for each task, `[..., runs]`: one score for each
run. Tasks may have different numbers of runs. A greater score is better. Leading axes are
replications of the bootstrap, so each statistic computes thousands of them at once.

Where all tasks have equally many runs, the values are those of rliable: see
`benchmarks/rliable_values.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

Scores: TypeAlias = Sequence[np.typing.ArrayLike]  # of each task, [..., runs]
Statistic: TypeAlias = Callable[..., np.ndarray]  # of the scores of one algorithm or of several

REPLICATIONS = 50_000
AT_ONCE = 2**21  # numbers in memory


class Estimate(NamedTuple):
    """A statistic and its 95 % interval, whose ends are NaN where there is none."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def numbers(self) -> tuple[float, float, float]:
        """The three as floats, of a statistic that is one number."""
        return float(self.value), float(self.low), float(self.high)


def mean(scores: Scores) -> np.ndarray:
    """The mean over tasks of the mean of each task's runs."""
    return _task_means(scores).mean(axis=0)


def median(scores: Scores) -> np.ndarray:
    """The median over tasks of the mean of each task's runs."""
    return np.median(_task_means(scores), axis=0)


def interquartile_mean(scores: Scores) -> np.ndarray:
    """The mean of the middle half of all runs of all tasks.

    Of n runs, ⌊n / 4⌋ are left out at each end.
    """
    ordered = np.sort(_all_runs(scores), axis=-1)
    cut = ordered.shape[-1] // 4
    return ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)


def optimality_gap(scores: Scores, best: float = 1.0) -> np.ndarray:
    """How far the runs stay below the best score, on average over the tasks.

    best − E min(score, best)
    """
    return best - mean([np.minimum(each, best) for each in scores])


def probability_of_improvement(scores: Scores, others: Scores) -> np.ndarray:
    """The probability that a run of the first algorithm is better than one of the second.

        P(X > Y) + P(X = Y) / 2, averaged over the tasks

    For a task this is the statistic of Mann and Whitney, divided by the number of pairs.
    """
    of_tasks = []
    for mine, theirs in zip(scores, others, strict=True):
        x, y = np.asarray(mine)[..., :, None], np.asarray(theirs)[..., None, :]
        of_tasks.append((np.sum(x > y, axis=(-2, -1)) + 0.5 * np.sum(x == y, axis=(-2, -1))) / (x.shape[-2] * y.shape[-1]))
    return np.mean(of_tasks, axis=0)


def performance_profile(scores: Scores, taus: np.typing.ArrayLike) -> np.ndarray:
    """The share of all runs whose score is above tau, for each of `taus`: `[..., taus]`."""
    return np.mean(_all_runs(scores)[..., None, :] > np.asarray(taus)[:, None], axis=-1)


def bootstrap(
    statistic: Statistic, *algorithms: Scores, replications: int = REPLICATIONS, seed: int = 0, width: int = 1
) -> Estimate:
    """A statistic with its 95 % interval of the stratified bootstrap.

    A replication draws, for each task of each algorithm, as many of its runs as there are, with
    replacement. The ends of the interval are the percentiles 2.5 and 97.5 of the replications.
    There is no interval where a task has one run.

    Args:
        statistic: function of the scores of all algorithms, such as `interquartile_mean`.
        seed: of the random numbers.
        width: how many numbers the statistic makes of one run, for the memory.
    """
    arrays = [[np.asarray(each, np.float64) for each in scores] for scores in algorithms]
    value = np.asarray(statistic(*arrays))
    if min(len(each) for scores in arrays for each in scores) < 2:
        return Estimate(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    generator = np.random.default_rng(seed)
    runs = sum(len(each) for scores in arrays for each in scores)
    found = [
        statistic(*[_resampled(generator, scores, count) for scores in arrays])
        for count in _portions(replications, max(AT_ONCE // (runs * width), 1))
    ]
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5], axis=0)
    return Estimate(value, low, high)


def improvement(scores: Scores, others: Scores, replications: int = REPLICATIONS, seed: int = 0) -> Estimate:
    """`probability_of_improvement` with its interval."""
    pairs = max(len(np.asarray(each)) for each in others)
    return bootstrap(probability_of_improvement, scores, others, replications=replications, seed=seed, width=pairs)


def profile(scores: Scores, taus: np.typing.ArrayLike, replications: int = 2_000, seed: int = 0) -> Estimate:
    """`performance_profile` with its bands."""
    return bootstrap(
        lambda each: performance_profile(each, taus), scores, replications=replications, seed=seed, width=np.size(taus)
    )


def _task_means(scores):
    """An array `[tasks, ...]`."""
    return np.array([np.mean(each, axis=-1) for each in scores])


def _all_runs(scores):
    """An array `[..., runs of all tasks]`."""
    return np.concatenate([np.asarray(each) for each in scores], axis=-1)


def _resampled(generator, scores, count):
    """`count` replications of the scores: of each task [count, runs]."""
    return [each[generator.integers(len(each), size=(count, len(each)))] for each in scores]


def _portions(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(total, most)
        total -= most
