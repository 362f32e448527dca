"""Optuna's part of a sweep: a study closed at any moment goes on as if it never was."""

import importlib.util
import math
import shutil
from types import SimpleNamespace

import pytest

from lab.runs import space
from lab.runs.study import STARTUP, Study, best, require_optuna
from tests.runs.bowl import Config

pytest.importorskip("optuna", reason="needs the extra sweep")

WORDS = {
    "random": ["rate=log:1e-3:9", "size=16,32,64", "hidden=8 8,64 64"],
    "tpe": ["rate=log:1e-3:9", "size=16,32,64", "wide=true,false"],
    "cmaes": ["rate=log:1e-3:8", "wait=0:1"],
    "grid": ["rate=0.5:3:0.5", "size=16,32,64"],
}
TRIALS = 13


def opened(path, sampler="random", words=None, **options):
    given = {"seed": 3, "maximize": False} | options
    return Study(path, "s", space.parse(words or WORDS[sampler], Config()), sampler=sampler, **given)


def advance(study, number=None):
    """Draws a trial, or takes one that is running, and ends it. One is pruned and one fails."""
    settings = {}
    if number is None:
        number, settings = study.add()
    settings = settings or study.trials()[number].params
    for step in (1, 2):
        study.report(number, step, settings["rate"] * step)
    if number == 6:
        study.tell(number, None, "PRUNED")
    elif number == 8:
        study.tell(number, None, "FAIL")
    else:
        study.tell(number, math.log(settings["rate"]) ** 2 + 0.01 * number, "COMPLETE")


def kept(study):
    return [(each.number, each.state.name, each.value, each.params, each.intermediate_values) for each in study.trials()]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", list(WORDS))
def test_a_study_reopened_at_any_moment_goes_on_as_if_it_never_was_closed(tmp_path, sampler):
    whole = opened(tmp_path / "whole.log", sampler)
    for _ in range(TRIALS):
        advance(whole)
    expected = kept(whole)
    states = [state for _, state, *_ in expected]
    assert (len(expected), states.count("PRUNED"), states.count("FAIL")) == (TRIALS, 1, 1)
    assert len({tuple(sorted(params.items())) for *_, params, _ in expected}) > TRIALS // 2
    path = tmp_path / "cut.log"
    for count in (0, 1, 6, 8, 11, TRIALS - 1):  # so many trials have begun when it is killed
        study = opened(path, sampler)
        for each in study.trials()[-1:]:
            advance(study, each.number)
        while len(study.trials()) < count:
            advance(study)
        number, settings = study.add()
        study.report(number, 1, settings["rate"])  # it is still running
        with open(path, "ab") as file:
            file.write(b'{"op_code": 4, "worker_id": "half')
        path.with_name("cut.log.lock").touch()
    study = opened(path, sampler)
    advance(study, study.trials()[-1].number)
    assert kept(study) == expected
    assert not path.with_name("cut.log.lock").exists()


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_what_is_drawn_next_does_not_depend_on_when_the_study_was_reopened(tmp_path, sampler):
    study = opened(tmp_path / "a.log", sampler)
    for _ in range(11):
        advance(study)
    drawn = []
    for count in range(3):
        path = shutil.copy(tmp_path / "a.log", tmp_path / f"{count}.log")
        drawn.append(study.add())
        assert opened(path, sampler).add() == drawn[-1]
        advance(study, drawn[-1][0])
    assert len({settings["rate"] for _, settings in drawn}) == 3


def test_trials_side_by_side_keep_their_settings_where_another_order_draws_others(tmp_path):
    study = opened(tmp_path / "a.log", "tpe")
    for _ in range(10):  # all drawn before any has ended
        study.add()
    for number in (9, 3, 0, 7, 1, 2, 4, 5, 6, 8):
        study.tell(number, float(number), "COMPLETE")
    expected = [each.params for each in study.trials()]
    again = opened(tmp_path / "a.log", "tpe")
    assert [each.params for each in again.trials()] == expected
    assert again.add()[0] == 10
    assert len(opened(tmp_path / "a.log", "tpe").trials()) == 11


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes"])
def test_the_first_trial_has_the_experiments_own_settings(tmp_path, sampler):
    words = ["rate=log:1e-3:9", "wait=0:1"]
    assert opened(tmp_path / "a.log", sampler, words).add() == (0, {"rate": 1.0, "wait": 0.0})
    outside = opened(tmp_path / "b.log", sampler, ["rate=2:9", "wait=0:1"]).add()[1]
    assert 2 <= outside["rate"] <= 9
    study = opened(tmp_path / "a.log", sampler, words)
    assert study.add()[1] != {"rate": 1.0, "wait": 0.0}
    assert study.most() is None


def test_other_seeds_draw_others(tmp_path):
    drawn = []
    for seed in (3, 3, 4):
        study = opened(tmp_path / f"{len(drawn)}.log", seed=seed)
        drawn.append([study.add()[1] for _ in range(3)])
    assert drawn[0] == drawn[1]
    assert drawn[0][1:] != drawn[2][1:]
    assert drawn[0][1] != drawn[0][2]


def test_a_grid_is_tried_in_order_and_has_an_end(tmp_path):
    tried = space.parse(WORDS["grid"], Config())
    study = opened(tmp_path / "a.log", "grid")
    assert study.most() == 18
    assert [study.add()[1] for _ in range(18)] == tried.grid()


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("size=2:12:5", {2, 7, 12}),
        ("size=2:13:5", {2, 7, 12}),
        ("size=7:9", {7, 8, 9}),
        ("rate=0.05:0.27:0.1", {0.05, 0.15, 0.25}),
        ("hidden=8 8,16", {"8 8", "16"}),
        ("limit=None,0.5", {None, 0.5}),
        ("wide=true,false", {True, False}),
    ],
)
def test_only_what_is_in_the_space_is_drawn(tmp_path, word, values):
    study = opened(tmp_path / "a.log", words=[word])
    name = word.partition("=")[0]
    drawn = [study.add()[1][name] for _ in range(24)]
    assert {round(each, 9) if isinstance(each, float) else each for each in drawn} == values


def test_logarithms_are_drawn_evenly(tmp_path):
    study = opened(tmp_path / "a.log", words=["rate=log:1e-3:10"])
    drawn = [study.add()[1]["rate"] for _ in range(60)]
    below = sum(each < 0.1 for each in drawn)
    assert 20 <= below <= 40
    assert 0.001 <= min(drawn) < max(drawn) <= 10


def ended(study, curves):
    """Trials that have ended, with these curves {step: value}."""
    for curve in curves:
        number, _ = study.add()
        for step, value in curve.items():
            study.report(number, step, value)
        study.tell(number, 0.0, "COMPLETE")


@pytest.mark.parametrize("maximize", [True, False])
def test_a_trial_is_stopped_where_it_is_worse_than_the_median_at_its_step(tmp_path, maximize):
    sign = 1 if maximize else -1
    study = opened(tmp_path / "a.log", maximize=maximize)
    ended(study, [{10: sign * value} for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    decided = {}
    for value in (2.9, 3.0, 3.1):
        number, _ = study.add()
        decided[value] = study.report(number, 10, sign * value)
    assert decided == {2.9: True, 3.0: False, 3.1: False}


def test_a_trial_is_judged_by_its_best_value_so_far_and_the_steps_until_then(tmp_path):
    study = opened(tmp_path / "a.log", maximize=True)
    ended(study, [{10: 3.0, 20: 30.0}] * STARTUP)
    number, _ = study.add()
    assert not study.report(number, 10, 4.0)
    assert study.report(number, 20, 5.0)
    assert not study.report(number, 10, 4.0)  # read again after a kill: what came later does not count


def test_a_value_is_kept_as_it_was_first_reported(tmp_path):
    study = opened(tmp_path / "a.log", maximize=True)
    number, _ = study.add()
    study.report(number, 10, 4.0)
    study.report(number, 10, 7.0)
    assert study.trials()[number].intermediate_values == {10: 4.0}


def test_what_is_no_number_is_stopped_at_once(tmp_path):
    study = opened(tmp_path / "a.log", maximize=True, warm_up=100)
    number, _ = study.add()
    assert not study.report(number, 1, -1e9)
    assert study.report(number, 2, math.nan)


def test_nothing_is_stopped_before_enough_trials_have_ended(tmp_path):
    study = opened(tmp_path / "a.log", maximize=True)
    ended(study, [{10: 3.0}] * (STARTUP - 1))
    number, _ = study.add()
    assert not study.report(number, 10, 0.0)
    ended(study, [{10: 3.0}])
    number, _ = study.add()
    assert study.report(number, 10, 0.0)


def test_nothing_is_stopped_during_its_first_steps(tmp_path):
    study = opened(tmp_path / "a.log", maximize=True, warm_up=11)
    ended(study, [{10: 3.0, 11: 3.0}] * STARTUP)
    number, _ = study.add()
    assert not study.report(number, 10, 0.0)
    assert study.report(number, 11, 0.0)


def test_the_best_trial_is_the_one_in_the_middle_of_equals(tmp_path):
    study = opened(tmp_path / "a.log")
    assert best(study.trials(), False, study._space) is None
    for value in (2.0, 1.0, 3.0, 1.0):
        study.tell(study.add()[0], value, "COMPLETE")
    study.tell(study.add()[0], None, "FAIL")
    study.add()
    assert best(study.trials(), False, study._space).number == 1  # of two equals the earlier one
    assert best(study.trials(), True, study._space).number == 2


def test_the_middle_of_equals_by_hand():
    tried = space.parse(["rate=log:1e-3:10", "size=16,32"], Config())
    settings = [(1e-3, 16), (0.1, 32), (1.0, 32), (10.0, 32), (0.1, 16)]  # the sums: 5.75, 3.25, 3.5, 4.25, 4.25
    trials = [
        SimpleNamespace(number=number, value=5.0, params={"rate": rate, "size": size}, state=SimpleNamespace(name="COMPLETE"))
        for number, (rate, size) in enumerate(settings)
    ]
    dimension = tried.dimensions["rate"]
    assert dimension.distance(0.1, 1.0) == pytest.approx(0.25) and tried.dimensions["size"].distance(16, 32) == 1
    assert best(trials, True, tried).number == 1


def test_importances_say_which_setting_matters(tmp_path):
    study = opened(tmp_path / "a.log", words=["rate=log:1e-3:9", "size=16,32,64"])
    assert study.importances() == {}
    for _ in range(8):
        study.tell(study.add()[0], 1.0, "COMPLETE")
    assert study.importances() == {}
    for _ in range(16):
        number, settings = study.add()
        study.tell(number, math.log(settings["rate"]) ** 2, "COMPLETE")
    found = study.importances()
    assert list(found) == ["rate", "size"]
    assert sum(found.values()) == pytest.approx(1)
    assert found["rate"] > 0.7


def test_notes_stay(tmp_path):
    study = opened(tmp_path / "a.log")
    study.add()
    study.note(0, run="toy-1")
    assert opened(tmp_path / "a.log").trials()[0].user_attrs == {"run": "toy-1"}


def test_without_the_packages_it_is_one_line(monkeypatch):
    there = importlib.util.find_spec
    missing = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else there(name))
    for sampler, name in (("cmaes", "cmaes"), ("tpe", "optuna")):
        require_optuna(sampler)
        missing.append(name)
        line = f"{name}: expected it to be installed, received none; pip install '.[sweep]'"
        with pytest.raises(ValueError) as error:
            require_optuna(sampler)
        assert str(error.value) == line
        missing.clear()
    missing.append("cmaes")
    require_optuna("tpe")
