"""Statistics of a few runs: by hand, and as rliable computes them."""

import json

import numpy as np
import pytest
from scipy import stats

from lab.runs import statistics
from tests.processes import ROOT

RLIABLE = json.loads((ROOT / "benchmarks/results/rliable.json").read_text())
SCORES = {name: np.array(matrix) for name, matrix in RLIABLE["scores"].items()}  # [runs, tasks]
AGGREGATES = ("interquartile_mean", "mean", "median", "optimality_gap")


def test_the_middle_half_by_hand():
    assert statistics.interquartile_mean([[0.0, 1.0, 3.0, 100.0]]) == 2
    assert statistics.interquartile_mean([[7.0]]) == 7
    assert statistics.interquartile_mean([[100.0, 0.0, 2.0]]) == 34  # of three runs none is left out
    assert statistics.interquartile_mean([[9.0, 1.0, 2.0, 3.0, -9.0]]) == 2  # of five, one at each end
    assert statistics.interquartile_mean([[0.0, 100.0], [1.0, 3.0]]) == 2  # of all runs of all tasks


def test_means_of_tasks_by_hand():
    scores = [[0.0, 1.0], [1.0, 3.0], [0.0, 0.0, 0.0]]  # means 0.5, 2 and 0
    assert statistics.mean(scores) == pytest.approx(2.5 / 3)
    assert statistics.median(scores) == 0.5
    assert statistics.optimality_gap(scores) == pytest.approx(1 - (0.5 + 1 + 0) / 3)  # 3 counts as 1
    assert statistics.optimality_gap([[2.0, 6.0]], best=4.0) == 1


def test_the_probability_of_improvement_by_hand():
    assert statistics.probability_of_improvement([[1.0, 2.0]], [[0.0, 1.0]]) == 3.5 / 4  # a tie counts half
    assert statistics.probability_of_improvement([[1.0]], [[1.0]]) == 0.5
    two = statistics.probability_of_improvement([[1.0], [0.0, 0.0]], [[0.0], [1.0, 1.0, 0.0]])
    assert two == pytest.approx((1 + 1 / 6) / 2)  # the mean over tasks, whatever their runs


def test_the_probability_is_that_of_mann_and_whitney():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 9, 12), generator.integers(2, 11, 7)
    expected = stats.mannwhitneyu(x, y).statistic / (12 * 7)
    assert statistics.probability_of_improvement([x], [y]) == pytest.approx(expected, abs=1e-15)
    assert statistics.probability_of_improvement([y], [x]) == pytest.approx(1 - expected, abs=1e-15)


def test_a_profile_by_hand():
    found = statistics.performance_profile([[0.0, 1.0], [1.0, 2.0]], [-1, 0, 0.5, 1, 2])
    assert found.tolist() == [1, 0.75, 0.75, 0.25, 0]  # above tau, not at it


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("statistic", AGGREGATES)
def test_aggregates_are_rliables(name, statistic):
    found = statistics.bootstrap(getattr(statistics, statistic), SCORES[name].T)
    agrees(found, RLIABLE["statistics"][name][statistic])


@pytest.mark.parametrize("name", SCORES)
def test_profiles_are_rliables(name):
    found = statistics.profile(SCORES[name].T, RLIABLE["taus"], replications=RLIABLE["replications"])
    expected = RLIABLE["statistics"][name]["performance_profile"]
    np.testing.assert_allclose(found.value, expected["value"], rtol=0, atol=1e-12)
    # Shares of n runs are multiples of 1 / n, so an end that differs does so by a whole step.
    differences = np.abs([found.low - expected["low"], found.high - expected["high"]])
    assert differences.max() < 1.01 / SCORES[name].size
    assert np.mean(differences > 1e-12) < 0.1


@pytest.mark.parametrize("pair", RLIABLE["probability_of_improvement"])
def test_probabilities_of_improvement_are_rliables(pair):
    expected = RLIABLE["probability_of_improvement"][pair]
    agrees(statistics.improvement(*(SCORES[name].T for name in expected["pair"])), expected)


def agrees(found, expected):
    """Equal values. The ends of the intervals differ by at most 2 % of their width.

    With 50,000 replications, the difference of two such ends has a standard deviation of about
    0.4 % of the width.
    """
    value, low, high = (np.array(expected[key]) for key in ("value", "low", "high"))
    np.testing.assert_allclose(np.atleast_1d(found.value), value, rtol=0, atol=1e-12)
    np.testing.assert_array_less(np.abs(found.low - low), 0.02 * (high - low) + 1e-12)
    np.testing.assert_array_less(np.abs(found.high - high), 0.02 * (high - low) + 1e-12)


def test_tasks_are_resampled_apart():
    # Resampled together, the mean of a task would vary.
    found = statistics.bootstrap(statistics.median, [[0.0, 0.0], [1.0, 1.0], [9.0, 9.0]], replications=500)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_an_interval_does_not_depend_on_other_calls_and_can_be_repeated():
    first, again, other = (statistics.bootstrap(statistics.mean, [np.sqrt(np.arange(9.0))], seed=seed) for seed in (0, 0, 1))
    assert first.numbers() == again.numbers() and first.low != other.low and first.value == other.value


def test_portions_are_the_whole(monkeypatch):
    seen = []
    monkeypatch.setattr(statistics, "AT_ONCE", 40)
    statistics.bootstrap(
        lambda each: seen.append(np.shape(each[0])) or statistics.mean(each), [np.arange(4.0)], replications=25
    )
    assert seen == [(4,), (10, 4), (10, 4), (5, 4)]


def test_one_run_of_a_task_has_no_interval():
    found = statistics.bootstrap(statistics.interquartile_mean, [[1.0, 2.0], [5.0]])
    assert found.value == pytest.approx(8 / 3) and np.isnan(found.low) and np.isnan(found.high)
    assert np.isnan(statistics.improvement([[1.0, 2.0]], [[5.0]]).low)
