import numpy as np
import pytest

from lab.agents import evaluate, train
from lab.agents.rollout import IterationStats
from lab.agents.training import whole_steps
from lab.errors import NonFiniteError
from tests.agents.identity import Identity, vectorize


class Recorder:
    """A rollout and an agent in one, which records what `train` calls."""

    num_envs, rollout_length, variables = 2, 5, ()

    def __init__(self, learning_starts=0, metrics=None):
        self.learning_starts, self.calls, self.metrics = learning_starts, [], metrics or {"loss": 1.0}

    def reset(self, step):
        self.calls.append(("reset", step))

    def run(self, iterations, learn):
        self.calls.append(("learn" if learn else "observe", iterations * 10))
        return IterationStats(self.metrics if learn else {}, np.array([3.0, 5.0]), np.array([1, 2]))


def test_learning_starts_reports_and_boundaries():
    recorder = Recorder(learning_starts=12)
    reports = list(train(recorder, recorder, steps=95, report_every=15, checkpoint_every=35))
    assert [report.step for report in reports] == [20, 40, 60, 80, 100]
    assert whole_steps(95, 12, 10, 15) == (20, 100)
    assert [report.boundary for report in reports] == [False, False, True, False, True]
    assert recorder.calls[:2] == [("reset", 0), ("observe", 20)]
    assert [call for call in recorder.calls if call[0] == "reset"] == [("reset", 0), ("reset", 60)]
    assert reports[0].metrics["episode_return"] == 4.0
    assert "loss" not in reports[0].metrics
    assert reports[1].metrics["loss"] == 1.0


def test_resuming_takes_the_same_calls():
    whole, part = Recorder(learning_starts=12), Recorder(learning_starts=12)
    list(train(whole, whole, steps=95, report_every=15, checkpoint_every=35))
    reports = list(train(part, part, steps=95, start=60, report_every=15, checkpoint_every=35))
    assert [report.step for report in reports] == [80, 100]
    assert part.calls == whole.calls[-len(part.calls) :]
    assert list(train(part, part, steps=95, start=100, report_every=15, checkpoint_every=35)) == []


def test_checkpoints_are_taken_at_whole_rollouts_also_between_two_reports():
    recorder = Recorder()
    reports = list(train(recorder, recorder, steps=100, report_every=50, checkpoint_every=25))
    assert [(report.step, report.boundary) for report in reports] == [(30, True), (60, True), (90, True), (100, True)]
    rare = list(train(recorder, recorder, steps=100, report_every=20, checkpoint_every=50))
    assert [(report.step, report.boundary) for report in rare] == [
        (20, False),
        (40, False),
        (50, True),
        (70, False),
        (90, False),
        (100, True),
    ]


def test_a_number_that_is_not_finite_stops_the_run_and_is_named():
    recorder = Recorder(metrics={"loss": np.nan, "q_value": 1.0})
    with pytest.raises(NonFiniteError, match="loss: expected a finite number, received nan at step 20"):
        list(train(recorder, recorder, steps=95, report_every=20))


class Greedy:
    def host_policy(self, generator=None):
        assert generator is None
        return lambda observation, start: (observation.argmax(-1), {})


def test_evaluation_counts_whole_first_episodes():
    returns = evaluate(Greedy(), vectorize(lambda: Identity(length=4), 3), episodes=6, seed=0)
    np.testing.assert_array_equal(returns, [4.0] * 6)
    with pytest.raises(ValueError, match="expected a multiple of the 3 environments, received 4"):
        evaluate(Greedy(), vectorize(Identity, 3), episodes=4, seed=0)
