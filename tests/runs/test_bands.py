"""The mean curve of several seeds and its 95 % interval."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lab.runs import bands, children
from lab.runs.run_folder import RunFolder
from tests.runs.test_lifecycle import HEADER


def test_a_band_by_hand():
    # Means 2 and 4; standard deviations 1 and 2; t(0.975, 2) = 4.30265.
    curves = [[(0, 1.0), (10, 2.0)], [(0, 2.0), (10, 4.0)], [(0, 3.0), (10, 6.0)]]
    found = bands.band(curves)
    assert found.steps.tolist() == [0, 10]
    np.testing.assert_allclose(found.mean, [2, 4])
    np.testing.assert_allclose(found.high - found.mean, 4.302652729911275 * np.array([1, 2]) / np.sqrt(3), rtol=1e-9)
    np.testing.assert_allclose(found.mean - found.low, found.high - found.mean)


def test_curves_are_interpolated_where_all_seeds_are():
    found = bands.band([[(0, 0.0), (10, 10.0), (20, 20.0)], [(5, 0.0), (15, 10.0)]])
    assert found.steps.tolist() == [5, 10, 15]
    np.testing.assert_allclose(found.mean, [2.5, 7.5, 12.5])  # of 5, 10, 15 and 0, 5, 10


def test_what_covers_95_percent_does_so():
    generator = np.random.default_rng(0)
    inside = []
    for _ in range(400):
        found = bands.band([[(0, value), (1, value)] for value in generator.normal(3, 2, 5)])
        inside.append(found.low[0] <= 3 <= found.high[0])
    assert 0.92 <= np.mean(inside) <= 0.98


def test_a_band_equals_scipys_interval():
    values = [1.0, 4.0, 2.0, 8.0]
    found = bands.band([[(0, value), (1, value)] for value in values])
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    np.testing.assert_allclose([found.low[1], found.high[1]], [low, high])


def test_one_seed_has_a_curve_but_no_band():
    found = bands.band([[(1, 5.0), (2, 6.0)]])
    assert (found.mean.tolist(), found.low, found.high) == ([5, 6], None, None)


@pytest.mark.parametrize(
    "curves",
    [
        [],
        [[(1, 5.0)], [(1, 6.0), (2, 6.0)]],
        [[(1, 5.0), (2, 5.0)], [(3, 6.0), (4, 6.0)]],
        [[(1, np.nan), (2, 5.0)], [(1, 6.0), (2, 6.0)]],
    ],
)
def test_without_two_common_steps_there_is_no_band(curves):
    assert bands.band(curves) is None


def test_many_steps_are_thinned_with_the_first_and_the_last():
    found = bands.band([[(step, float(step)) for step in range(5_000)]] * 2, points=100)
    assert (len(found.steps), found.steps[0], found.steps[-1]) == (100, 0, 4_999)
    np.testing.assert_allclose(found.mean, found.steps)


def test_metrics_that_some_seed_lacks_and_measures_of_speed_are_left_out():
    points = [(1, 1.0), (2, 2.0)]
    found = bands.of_histories([{"a": points, "b": points, "x_per_second": points}, {"a": points, "x_per_second": points}])
    assert list(found) == ["a"]


@dataclasses.dataclass(frozen=True)
class Config:
    """A toy's."""

    steps: int = 3
    rate: float = 1.0


def learn(config, track):
    for step in range(1, 5):
        track.log({"loss": config.rate * step + track.seed, "steps_per_second": 9.0}, step)
    return {"loss": 100.0 + track.seed}  # the journal has a loss at step 4 already


def finished(seeds, variants=({},)):
    parent = RunFolder.create(HEADER | {"seeds": seeds})
    assert children.run_children(parent, Config(), learn, "loss >= 3", variants)[0] == 0
    return parent


def test_the_parent_has_the_band_as_metrics_and_as_a_picture():
    parent = finished(seeds=2)
    metrics = parent.metrics()
    assert set(metrics) == {"loss", "loss_low", "loss_high", "loss_interval"}
    assert metrics["loss"] == [(1, 1.5), (2, 2.5), (3, 3.5), (4, 100.5)]  # last the mean of the results
    half = stats.t.ppf(0.975, 1) * np.std([1, 2], ddof=1) / np.sqrt(2)
    np.testing.assert_allclose([value for _, value in metrics["loss_high"]], np.array([1.5, 2.5, 3.5, 4.5]) + half)
    np.testing.assert_allclose([value for _, value in metrics["loss_low"]], np.array([1.5, 2.5, 3.5, 4.5]) - half)
    assert "band.png" in [event["artifact"] for event, _ in parent.read(key="artifact")]
    assert (parent.artifacts / "band.png").stat().st_size > 5_000


def test_variants_have_a_band_each():
    parent = finished(seeds=2, variants=[{"rate": 1.0}, {"rate": 2.0}])
    metrics = parent.metrics()
    assert {"loss_1.0", "loss_1.0_low", "loss_2.0_high"} <= set(metrics)
    assert [value for _, value in metrics["loss_2.0"]][:3] == [2.5, 4.5, 6.5]
    assert (parent.artifacts / "band.png").exists()


def test_variants_of_one_seed_have_curves_and_no_picture():
    parent = finished(seeds=1, variants=[{"rate": 1.0}, {"rate": 2.0}])
    assert [value for _, value in parent.metrics()["loss_2.0"]][:3] == [2.0, 4.0, 6.0]
    assert not [name for name in parent.metrics() if name.endswith(("_low", "_high"))]
    assert not (parent.artifacts / "band.png").exists()


def test_a_parent_that_goes_on_logs_nothing_twice():
    parent = finished(seeds=2)
    before, picture = parent.metrics(), Path(parent.artifacts / "band.png").read_bytes()
    assert children.run_children(parent, Config(), learn, "loss >= 3")[0] == 0
    assert parent.metrics() == before
    assert Path(parent.artifacts / "band.png").read_bytes() == picture  # the same bits again


def test_what_is_expected_is_drawn_first_and_constants_last():
    steps = np.arange(3)
    flat, steep = (
        bands.Band(steps, steps * 0.0, steps * 0.0, steps * 0.0),
        bands.Band(steps, steps * 1.0, steps * 0.5, steps * 2.0),
    )
    found = {"": {"a_constant": flat, "b": steep, "loss": steep, "reward": steep}}
    assert bands._first(found, "reward >= 1") == ["reward", "loss", "b", "a_constant"]


def test_a_promise_of_the_final_return_is_a_line_among_returns():
    promises = bands.conditions("last_greedy_return >= 475 (random policy 22) and loss <= 0.5")
    assert bands._promised("episode_return", promises).bound == 475 and bands._promised("check_return", promises).bound == 475
    assert bands._promised("loss", promises).bound == 0.5 and bands._promised("entropy", promises) is None
    assert bands._promised("episode_return", {}) is None
