"""`lab.runs.compare`: which runs are compared, and what is said of them."""

import csv
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import lab.runs
from lab.__main__ import main
from lab.runs import compared_runs, courier, description, run_folder
from lab.runs.comparison import ALL
from tests.processes import ROOT
from tests.runs.compared import log, make, run, several
from tests.runs.test_courier import local

QUICK = {"replications": 500}


def compare(*groups, **choices):
    return lab.runs.compare(*groups, **QUICK | choices)


def names(groups):
    return [(group.label, [each.name for each in group.runs]) for group in groups]


# What an argument means


def test_a_run_of_several_seeds_means_its_seeds():
    parent, alone = several([1.0, 2.0]), run(5.0, seed=7)
    first, second = compared_runs.find([parent.name, alone.name.removeprefix("ppo_toy-")])
    assert [(each.seed, each.results) for each in first.runs] == [(0, {"greedy_return": 1.0}), (1, {"greedy_return": 2.0})]
    assert [each.name for each in second.runs] == [alone.name]
    (found,) = compared_runs.find([first.runs[1].name])
    assert [each.seed for each in found.runs] == [1]


def test_an_experiment_means_its_newest_run_of_several_seeds():
    several([1.0, 2.0])
    newest = several([3.0, 4.0, 5.0], config={"rate": 0.5})
    run(9.0, seed=9)
    several([0.0, 0.0], options={"smoke": True})
    (found,) = compared_runs.find(["ppo_toy"])
    assert [each.results["greedy_return"] for each in found.runs] == [3, 4, 5]
    assert names([found])[0][1] == names(compared_runs.find([newest.name]))[0][1]


def test_an_experiment_without_such_a_run_means_all_its_runs():
    runs = [run(score, seed=seed) for seed, score in enumerate([1.0, 2.0])]
    smoke = run(0.0, "dqn_toy", options={"smoke": True})
    run(0.0, options={"smoke": True}, seed=5)
    assert names(compared_runs.find(["ppo_toy"])) == [("ppo_toy", [each.name for each in runs])]
    assert names(compared_runs.find(["dqn_toy"])) == [("dqn_toy", [smoke.name])]  # there are no others


@pytest.mark.parametrize(
    ("search", "scores"),
    [
        ("algorithm=ppo task=Toy-v1", [0, 1, 2]),
        ("rate=5e-1", [1]),
        ("experiment=dqn_toy", [3]),
        ("task=Toy-v1 seed=1", [2]),
        ("sizes=64,32", [0]),
        ("dueling=true", [3]),
        ("note='two words'", [3]),
        ("smoke=true", [9]),
        ("kind=seed", [1]),
        ("greedy: algorithm=ppo seed=0", [0, 1]),
    ],
)
def test_a_search_means_all_runs_of_one_seed_that_fit(search, scores):
    run(0.0, config={"sizes": [64, 32]})
    several([1.0], config={"rate": 0.5})
    run(2.0, seed=1)
    run(3.0, "dqn_toy", config={"dueling": True, "note": "two words"}, seed=3)
    run(9.0, options={"smoke": True}, seed=2)
    (group,) = compared_runs.find([search])
    assert [each.results["greedy_return"] for each in group.runs] == scores
    assert group.label == search.partition(": ")[0]


def test_of_equal_settings_and_seeds_one_counts():
    run(1.0, status="FAILED")
    finished = run(1.0)
    run(1.0, status="")
    (group,) = compared_runs.find(["algorithm=ppo"])
    assert [each.name for each in group.runs] == [finished.name]
    assert group.notes == ["2 repetitions of runs were left out"]
    newest = run(1.0)
    assert [each.name for each in compared_runs.find(["ppo_toy"])[0].runs] == [newest.name]


def test_different_settings_in_a_group_are_named():
    run(1.0), run(2.0, seed=1, config={"rate": 0.5}), run(2.0, seed=2, config={"size": 3})
    assert compared_runs.find(["best: ppo_toy"])[0].notes == ["best: runs of different settings: rate, size"]


def test_each_variant_is_a_group():
    parent = make(kind="parent", seeds=2)
    for rate in (0.1, 0.2):
        for seed in (0, 1):
            run(rate + seed, seed=seed, config={"rate": rate}, parent=parent.name, kind="variant")
    assert [(group.label, len(group.runs)) for group in compared_runs.find([parent.name])] == [("rate=0.1", 2), ("rate=0.2", 2)]
    labels = [group.label for group in compared_runs.find([f"toy: {parent.name}", run(1.0, "dqn_toy").name])]
    assert labels[:2] == ["toy rate=0.1", "toy rate=0.2"]


def test_a_seed_that_was_never_started_is_one_that_has_not_finished():
    parent = several([1.0, 2.0])
    header = parent.header() | {"seeds": 4, "seed": 0}
    run_folder.write_json(parent.path / "run.json", header)
    missing = compared_runs.find([parent.name])[0].runs[2:]
    assert [(each.name, each.status) for each in missing] == [
        (f"seed {seed} of {parent.name}", "NOT STARTED") for seed in (2, 3)
    ]
    with pytest.raises(ValueError, match=rf"--failed: .* for 2 without a score: seed 2 of {parent.name} \(NOT STARTED\)"):
        compare(parent.name)


def test_a_damaged_run_is_passed_over_with_a_line(capsys):
    good, bad = run(1.0), run(2.0, seed=1)
    (bad.path / "run.json").write_text("{")
    assert names(compared_runs.find(["ppo_toy"])) == [("ppo_toy", [good.name])]
    assert str(bad.path) in capsys.readouterr().err


def test_the_disk_is_read_once(monkeypatch):
    calls = []
    monkeypatch.setattr(compared_runs, "all_runs", lambda: calls.append(1) or run_folder.all_runs())
    runs = [run(1.0, seed=seed).name for seed in range(3)]
    compare(*runs)
    assert calls == [1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "compare: expected runs, experiments or searches, received none; see --help"),
        (["ppo_toi"], r"compare: expected a run or an experiment in .*, received 'ppo_toi' \(nearest: ppo_toy\)"),
        (["zzz"], "received 'zzz'; --tracking-uri names a server that may have it"),
        (["ppo_toy", "ppo_toy"], "compare: expected different groups, received 'ppo_toy' twice; write 'LABEL: ppo_toy'"),
        (["algorthm=ppo"], r"search: expected a tag or a setting of a run in .*, received 'algorthm' \(nearest: algorithm\)"),
        (["algorithm=sac"], r"search: expected algorithm=ppo\|dqn, received 'algorithm=sac', which no such run has"),
        (["algorithm=dqn rate=7"], r"search: expected rate=0.001, received 'rate=7'"),
        (["rate='7"], 'search: expected words NAME=VALUE, received "rate=\'7": No closing quotation'),
        ([""], "compare: expected a run or an experiment"),
    ],
)
def test_bad_groups_are_one_line(arguments, words):
    run(1.0), run(2.0, "dqn_toy")
    with pytest.raises(ValueError, match=words) as error:
        compared_runs.find(arguments)
    assert "\n" not in str(error.value)


def test_a_parent_without_children_is_none():
    parent = make(kind="study")
    with pytest.raises(ValueError, match=f"expected a run with results of its own or of its seeds, received {parent.name}"):
        compared_runs.find([parent.name])


# What is computed


def test_two_groups_by_hand():
    several([0.0, 1.0, 3.0, 100.0]), several([1.0, 1.0], "dqn_toy")
    found = compare("ppo_toy", "dqn_toy")
    assert (found.metric, found.minimize, found.tasks) == ("greedy_return", False, ["Toy-v1"])
    assert found.row("ppo_toy", "seeds").value == 4
    row = found.row("ppo_toy", "mean")
    assert row.value == 26
    assert row.high - row.value == pytest.approx(stats.t.ppf(0.975, 3) * np.std([0, 1, 3, 100], ddof=1) / 2)
    row = found.row("ppo_toy", "interquartile mean")
    assert row.value == 2 and 0 <= row.low < 2 < row.high <= 100
    row = found.row("ppo_toy", "probability of improvement")
    assert (row.value, row.note) == ((2 + 1 / 2) / 4, "dqn_toy")  # 3 and 100 are above 1, and 1 ties
    profile = [row for row in found.rows if (row.group, row.statistic) == ("ppo_toy", "performance profile")]
    assert len(profile) == 101 and profile[0].value == 1 and profile[-1].value == 0
    assert [row.value for row in profile if 3 < row.at < 100] == [0.25] * sum(3 < row.at < 100 for row in profile)


def test_the_first_group_is_compared_with_each_other():
    several([1.0, 2.0]), several([0.0, 0.0], "dqn_toy"), several([3.0, 3.0], "a2c_toy")
    found = compare("ppo_toy", "dqn_toy", "a2c_toy")
    rows = [row for row in found.rows if row.statistic == "probability of improvement"]
    assert [(row.group, row.note, row.value) for row in rows] == [("ppo_toy", "dqn_toy", 1), ("ppo_toy", "a2c_toy", 0)]


def test_less_can_be_better():
    promise = {"about": {"expected": "loss <= 0.5"}}
    several([0.1, 0.2], metric="loss", **promise), several([0.3, 0.3], "dqn_toy", metric="loss", **promise)
    found = compare("ppo_toy", "dqn_toy")
    assert found.minimize and found.row("ppo_toy", "probability of improvement").value == 1
    assert found.table().startswith("loss, lower is better.") and "≤ 0.5" not in found.table()
    assert found.row("ppo_toy", "mean").value == pytest.approx(0.15)
    profile = [row for row in found.rows if (row.group, row.statistic) == ("ppo_toy", "performance profile")]
    assert profile[0].at > profile[-1].at and (profile[0].value, profile[-1].value) == (1, 0)  # share below tau
    assert next(row.value for row in profile if row.at < 0.29) == 1
    several([1.0], "td_toy", about={}), several([2.0], "mc_toy", about={})
    assert compare("td_toy", "mc_toy", minimize=True).minimize and not compare("td_toy", "mc_toy").minimize


def test_steps_to_the_threshold():
    curves = [(100, 475, 500), (100, 474.9, 475), (475, 0, 0)]
    several([1.0, 2.0, 3.0], curves=curves)
    found = compare("ppo_toy")
    row = found.row("ppo_toy", "steps to the threshold")
    assert found.curve == "check_return" and (row.at, row.value, row.note) == (475, 20, "3 of 3")
    row = compare("ppo_toy", threshold=("500",)).row("ppo_toy", "steps to the threshold")
    assert (row.at, row.value, row.note) == (500, math.inf, "1 of 3")
    row = compare("ppo_toy", threshold=("Toy-v1=475.5",)).row("ppo_toy", "steps to the threshold")
    assert row.note == "1 of 3"
    several([1.0, 2.0], "dqn_toy", curves=[(475, 0), (0, 475)])
    assert compare("dqn_toy").row("dqn_toy", "steps to the threshold").value == 15


def test_a_threshold_from_below_when_less_is_better():
    options = {"metric": "loss", "about": {"expected": "loss <= 3"}}
    several([1.0, 1.0], curves=[(9, 3, 1), (9, 9, 2)], **options)
    found = compare("ppo_toy", curve="check_return", threshold=("3",))
    assert found.row("ppo_toy", "steps to the threshold").value == 25
    assert not compare("ppo_toy", curve="check_return").thresholds  # the bound is one of another metric


def test_wall_time_is_that_of_all_sessions():
    folder = run(1.0, status="")  # killed: its last line is at 1 s
    folder.journal.write_bytes(b"")
    log(folder, (0, {"status": "RUNNING"}), (5, {"metrics": {"loss": 1.0}, "step": 1}))
    log(folder, (100, {"status": "RUNNING"}), (103, {"status": "KILLED"}), (104, {"tags": {"a": "b"}}))
    log(folder, (1000, {"status": "RUNNING"}), (1010, {"results": {"greedy_return": 1.0}}), (1020, {"status": "FINISHED"}))
    assert compared_runs.wall_time(folder) == 5 + 3 + 20
    assert compare(folder.name).row(folder.name, "wall time in seconds").value == 28
    log(folder, (2000, {"status": "RUNNING"}), (2001, {"metrics": {"loss": 1.0}, "step": 2}))
    assert compared_runs.wall_time(folder) == 29
    assert math.isnan(compared_runs.wall_time(make()))


def test_one_seed_works_and_says_what_is_left_out():
    run(480.0, curve=(1, 2)), several([1.0, 2.0], "dqn_toy", curves=[(1, 2), (2, 3)])
    found = compare("ppo_toy", "dqn_toy")
    assert found.row("ppo_toy", "mean").value == 480 and math.isnan(found.row("ppo_toy", "mean").low)
    assert math.isnan(found.row("ppo_toy", "interquartile mean").high)
    assert not [row for row in found.rows if row.statistic == "probability of improvement"]
    assert any(note.startswith("one seed: no interval of a mean") and note.endswith(": ppo_toy") for note in found.notes)
    assert "480" in found.table() and "nan" not in found.table()
    assert found.figure().axes


# The metric and the curve


def test_the_metric_is_what_is_expected_or_the_only_common_one():
    folder = run(1.0)
    log(folder, (10, {"results": {"greedy_return": 1.0, "last_greedy_return": 2.0}}))
    assert compare("ppo_toy").metric == "greedy_return"
    assert compare("ppo_toy", metric="last_greedy_return").row("ppo_toy", "mean").value == 2
    run(1.0, "td_toy", metric="error", about={})
    assert compare("td_toy").metric == "error"


def test_a_logged_metric_counts_with_its_last_value():
    run(1.0, curve=(5, 7, 6))
    assert compare("ppo_toy", metric="check_return").row("ppo_toy", "mean").value == 6


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "--metric: expected a result that all runs have, received none; ppo_toy has a; dqn_toy has b"),
        ({"metric": "a"}, "received 'a', which dqn_toy-.* lacks; ppo_toy has a; dqn_toy has b"),
    ],
)
def test_runs_without_a_common_metric(choices, words):
    run(1.0, metric="a"), run(1.0, "dqn_toy", metric="b")
    with pytest.raises(ValueError, match=words):
        compare("ppo_toy", "dqn_toy", **choices)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (
            {"curve": "loss"},
            "--curve: expected a metric that every run logged more than once, received 'loss'; .* has check_return",
        ),
        ({"threshold": ("x",)}, "--threshold: expected NUMBER or TASK=NUMBER, received 'x'"),
        ({"threshold": ("nan",)}, "--threshold: expected finite numbers, received 'nan'"),
        ({"threshold": ("Tol-v1=3",)}, r"--threshold: expected one of Toy-v1, received 'Tol-v1' \(nearest: Toy-v1\)"),
        ({"normalize": ("Toy-v1=3",)}, "--normalize: expected TASK=LOW:HIGH, received 'Toy-v1=3'"),
        ({"normalize": ("Toy-v1=3:3",)}, r"the worse score, then the better \(more is better\), received Toy-v1=3:3"),
        ({"normalize": ("Toy-v1=9:3",)}, "received Toy-v1=9:3"),
        ({"replications": 1}, "--replications: expected a number >= 100"),
    ],
)
def test_bad_choices_are_one_line(choices, words):
    run(1.0, curve=(1, 2))
    with pytest.raises(ValueError, match=words) as error:
        compare("ppo_toy", **choices)
    assert "\n" not in str(error.value)


def test_a_threshold_needs_a_curve():
    run(1.0)
    with pytest.raises(ValueError, match="--threshold: expected a curve that all runs have, received none"):
        compare("ppo_toy", threshold=("3",))
    assert any("no curves and no steps" in note for note in compare("ppo_toy").notes)


# Failed runs


def test_failed_runs_need_a_decision():
    several([2.0, 4.0]), run(9.0, seed=2, status="FAILED"), several([1.0, 3.0], "dqn_toy")
    failed = run(9.0, seed=5, status="", config={"rate": 9.0})
    diverged = run(math.nan, seed=6)
    groups = ("ppo: algorithm=ppo", "dqn_toy")
    with pytest.raises(
        ValueError, match=r"--failed: expected drop .* or worst .*, received nothing for 3 without a score: "
    ) as error:
        compare(*groups)
    assert f"{failed.name} (KILLED), {diverged.name} (FINISHED)" in str(error.value)
    dropped, worst = (compare(*groups, failed=how) for how in ("drop", "worst"))
    assert dropped.scores == {"ppo": {"Toy-v1": [2, 4]}, "dqn_toy": {"Toy-v1": [1, 3]}}
    assert worst.scores["ppo"]["Toy-v1"] == [2, 4, 1, 1, 1]  # the worst of all groups
    assert any(note.startswith("ppo: left out: ") and failed.name in note for note in dropped.notes)
    assert any(note.startswith("ppo: counted with the worst score: ") for note in worst.notes)


def test_the_worst_is_the_greatest_when_less_is_better_and_of_the_same_task():
    several([2.0, 4.0]), run(9.0, seed=5, status="FAILED"), several([7.0, 5.0], "dqn_toy")
    assert compare("ppo: algorithm=ppo", "dqn_toy", failed="worst", minimize=True).scores["ppo"]["Toy-v1"] == [2, 4, 7]
    other = {"config": {"environment": "Other-v1"}}
    several([-90.0, -80.0], **other), several([-99.0, -80.0], "dqn_toy", **other)
    groups = ("algorithm=ppo", "algorithm=dqn")
    found = compare(*groups, failed="worst", normalize=("Other-v1=-100:0",))
    assert found.scores["algorithm=ppo"] == {"Toy-v1": [2, 4, 2], "Other-v1": [-90, -80]}


def test_a_failed_run_never_reaches_the_threshold():
    several([1.0, 2.0], curves=[(500, 500)] * 2)
    run(0.0, seed=3, status="FAILED"), run(0.0, seed=4, status="FAILED")
    found = compare("algorithm=ppo", failed="worst")
    assert found.row("algorithm=ppo", "steps to the threshold")[4:] == (math.inf, pytest.approx(math.nan, nan_ok=True),
        pytest.approx(math.nan, nan_ok=True), "2 of 4")  # fmt: skip
    assert found.row("algorithm=ppo", "wall time in seconds").value == 10


def test_without_a_finished_run_there_is_nothing_to_compare():
    run(1.0, status="FAILED")
    with pytest.raises(ValueError, match=r"compare: expected a run that has finished, received ppo_toy-.* \(FAILED\)"):
        compare("ppo_toy", failed="worst")
    run(1.0, "dqn_toy")
    with pytest.raises(ValueError, match="ppo_toy: expected a finished run of Toy-v1, received none"):
        compare("ppo_toy", "dqn_toy", failed="drop")


# Several tasks


OTHER = {"config": {"environment": "Other-v1"}, "about": {"expected": "greedy_return >= -80 (random policy -500)"}}


def two_tasks():
    several([20.0, 260.0]), several([500.0, 740.0], "dqn_toy")
    several([-500.0, -300.0], **OTHER), several([-100.0, -100.0], "dqn_toy", **OTHER)
    return ("ppo: algorithm=ppo", "dqn: algorithm=dqn")


def test_several_tasks_are_normalised_by_named_scores():
    groups = two_tasks()
    found = compare(*groups, normalize=("Other-v1=-500:-100",))
    assert found.references == {"Toy-v1": (20, 500), "Other-v1": (-500, -100)}  # the first is from "Expected:"
    assert found.normalized == {
        "ppo": {"Toy-v1": [0, 0.5], "Other-v1": [0, 0.5]},
        "dqn": {"Toy-v1": [1, 1.5], "Other-v1": [1, 1]},
    }
    values = {name: found.row("dqn", name, ALL).value for name in ("interquartile mean", "median", "mean", "optimality gap")}
    assert values == pytest.approx({"interquartile mean": 1, "median": 1.125, "mean": 1.125, "optimality gap": 0})
    assert found.row("ppo", "optimality gap", ALL).value == 0.75
    assert found.row("ppo", "probability of improvement", ALL).value == 0
    assert found.row("dqn", "mean", "Toy-v1").value == 620 and found.row("ppo", "mean", "Other-v1").value == -400
    table = found.table()
    assert "All tasks, normalised (Toy-v1: 20 counts 0, 500 counts 1, Other-v1: -500 counts 0, -100 counts" in table
    assert "optimality gap" in table
    assert len(found.figure().axes) == 2  # no curves


def test_a_task_without_known_scores_is_named():
    with pytest.raises(
        ValueError, match=r"--normalize: expected TASK=LOW:HIGH for each of 2 tasks, received none for Other-v1,"
    ):
        compare(*two_tasks())


def test_with_several_tasks_a_number_needs_its_task():
    groups = two_tasks()
    with pytest.raises(ValueError, match="--normalize: expected TASK= before it, for one of Toy-v1, Other-v1, received '1:2'"):
        compare(*groups, normalize=("1:2",))


def test_losses_are_normalised_from_high_to_low():
    options = {"metric": "loss", "about": {"expected": "loss <= 1"}}
    several([1.0, 2.0], **options)
    found = compare("ppo_toy", normalize=("3:1",))
    assert found.normalized == {"ppo_toy": {"Toy-v1": [1, 0.5]}} and found.row("ppo_toy", "mean", ALL).value == 0.75
    with pytest.raises(ValueError, match=r"\(less is better\), received Toy-v1=1:3"):
        compare("ppo_toy", normalize=("1:3",))


def test_different_tasks_are_never_put_together_unasked():
    several([1.0, 2.0]), several([1.0, 2.0], "dqn_toy", config={"environment": "Toy-v2"})
    with pytest.raises(ValueError, match=r"tasks: expected those of ppo_toy, Toy-v1, received dqn_toy with Toy-v2; .* --task"):
        compare("ppo_toy", "dqn_toy")
    assert compare("ppo_toy", "dqn_toy", task="toy").tasks == ["toy"]
    run(1.0, "a2c_toy", config={"environment_options": ["gravity=3"]})
    assert compare("a2c_toy").tasks == ["Toy-v1 gravity=3"]


def test_what_an_experiment_expects_does_not_count_for_another_environment():
    run(1.0, command=["python", "-m", "experiments.ppo_toy", "--environment", "Toy-v1"], curve=(1, 2))
    assert compare("ppo_toy").thresholds == {}


# Forms


def test_the_table_fits_and_says_everything():
    several([480.0, 500.0], curves=[(1, 500)] * 2), several([1.0, 22.5], "dqn_toy", curves=[(1, 2)] * 2)
    found = compare("ppo_toy", "dqn_toy")
    text = found.table()
    assert "Toy-v1; median steps to check_return ≥ 475 (seeds that reach it)\n" in text
    assert (
        "         seeds       mean  interquartile mean        steps  wall time\n"
        "ppo_toy      2  490 ± 127    490 (480 to 500)  20 (2 of 2)       10 s\n"
        "dqn_toy      2   12 ± 137        12 (1 to 22)   – (0 of 2)       10 s\n"
    ) in text
    assert "ppo_toy over dqn_toy   1 (1 to 1)\n" in text and text.startswith("greedy_return, higher is better.")
    for width in (100, 80, 60):
        assert max(map(len, found.table(width=width).splitlines())) <= width
    narrow = found.table(width=60)
    assert "\nppo_toy\n  seeds               2\n  mean                490 ± 127\n" in narrow


def test_markdown_and_latex_are_escaped():
    several([1.0, 2.0]), several([3.0, 4.0], "dqn_toy")
    found = compare("ppo_toy", "dqn_toy")
    markdown, latex = found.table("markdown"), found.table("latex")
    assert "| ppo\\_toy | 2 | 1.5 ± 6.4 |" in markdown and "\n|---|---:|---:|---:|---:|\n" in markdown
    assert r"ppo\_toy & 2 & 1.5 $\pm$ 6.4 &" in latex and latex.count(r"\toprule") == latex.count(r"\bottomrule") == 2
    assert r"\begin{tabular}{lrrrr}" in latex and "_toy" not in latex.replace(r"\_toy", "")


def test_the_csv_has_all_rows(tmp_path):
    several([1.0, 2.0], curves=[(1, 475)] * 2)
    found = compare("ppo_toy")
    found.to_csv(tmp_path / "it.csv")
    rows = list(csv.DictReader((tmp_path / "it.csv").read_text().splitlines()))
    assert len(rows) == len(found.rows) and list(rows[0]) == [
        "group",
        "task",
        "statistic",
        "at",
        "value",
        "low",
        "high",
        "note",
    ]
    assert rows[0] == {
        "group": "ppo_toy",
        "task": "Toy-v1",
        "statistic": "seeds",
        "at": "",
        "value": "2.0",
        "low": "",
        "high": "",
        "note": "",
    }
    assert [row["at"] for row in rows if row["statistic"] == "steps to the threshold"] == ["475.0"]


def test_the_figure_has_curves_a_profile_and_intervals():
    several([1.0, 2.0], curves=[(1, 2, 3), (2, 3, 4)]), several([1.0, 2.0], "dqn_toy", curves=[(1, 2), (2, 3)])
    figure = compare("ppo_toy", "dqn_toy").figure()
    assert [axes.get_title() for axes in figure.axes] == ["Toy-v1", "performance profile", "interquartile mean, 95 % interval"]
    curves = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].get_lines()}
    assert curves["ppo_toy"] == [1.5, 2.5, 3.5] and curves["dqn_toy"] == [1.5, 2.5]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ppo_toy", "dqn_toy", "threshold"]


# The command


@pytest.fixture
def command(capsys, monkeypatch):
    """Runs the command. Returns (exit code, what it printed, its errors)."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*argv):
        try:
            code = main(["compare", *argv])
        except SystemExit as stop:
            code = stop.code
        found = capsys.readouterr()
        return code, found.out, found.err.strip()

    return call


def test_the_command_keeps_a_run(command, own_home):
    several([1.0, 2.0], curves=[(1, 2)] * 2), several([3.0, 4.0], "dqn_toy", curves=[(1, 2)] * 2)
    code, out, _ = command("ppo_toy", "best: dqn_toy", "--tracking-uri", "none", "--replications", "500")
    assert code == 0 and "ppo_toy over best" in out
    folder = run_folder.all_runs()[-1]
    assert folder.name.startswith("comparison-") and f"run {folder.name}" in out
    header = folder.header()
    assert header["kind"] == "comparison" and description.kind(header) == "comparison"
    assert header["config"]["groups"] == ["ppo_toy", "best: dqn_toy"]
    assert (header["config"]["metric"], header["config"]["curve"]) == ("greedy_return", "check_return")
    assert folder.status() == "FINISHED"
    assert folder.results() == {"interquartile_mean ppo_toy": 1.5, "interquartile_mean best": 3.5}
    logged = {event["artifact"] for event, _ in folder.read(key="artifact")}
    assert logged == {
        "config.json",
        "metrics.csv",
        "runs.csv",
        *(f"comparison.{end}" for end in ("txt", "md", "tex", "csv", "png")),
    }
    assert all((folder.artifacts / name).stat().st_size for name in logged)
    assert (folder.artifacts / "comparison.txt").read_text() in out
    runs = (folder.artifacts / "runs.csv").read_text().splitlines()
    best = compared_runs.find(["dqn_toy"])[0].runs[1].name
    assert runs[0] == "group,task,run,seed,status,greedy_return" and runs[4] == f"best,Toy-v1,{best},1,FINISHED,4.0"
    code, again, _ = command("ppo_toy", "best: dqn_toy", "--tracking-uri", "none", "--replications", "500")
    assert again.split("run comparison")[0] == out.split("run comparison")[0]  # the same, and no comparison is compared


@pytest.mark.parametrize(("flag", "words"), [("--markdown", "| ppo\\_toy |"), ("--latex", "\\toprule")])
def test_the_command_prints_other_forms(command, flag, words):
    several([1.0, 2.0])
    code, out, err = command("ppo_toy", flag, "--tracking-uri", "none", "--replications", "500")
    assert code == 0 and words in out
    assert "run comparison-" in err and "run comparison-" not in out  # so that a file gets the table alone


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "compare: expected runs, experiments or searches, received none; see --help"),
        (["nobody"], "compare: expected a run or an experiment in "),
        (["ppo_toy", "--fail", "drop"], "command line: expected a known flag, received --fail (nearest: --failed)"),
        (["ppo_toy", "--failed", "maybe"], "--failed: expected "),
        (["ppo_toy"], "--failed: expected drop (leave them out) or worst "),
        (["ppo_toy", "--replications", "7"], "--replications: expected a number >= 100"),
        (["ppo_toy", "--tracking-uri", "ftp://x"], "tracking URI: expected one of"),
        (["nobody", "--tracking-uri", "none"], "received 'nobody'"),
        (["nobody", "--tracking-uri", "sqlite:////nowhere/x.db"], "received 'nobody': there is no store /nowhere/x.db"),
    ],
)
def test_bad_input_is_one_line_and_keeps_nothing(command, argv, words):
    several([1.0, 2.0]), run(1.0, seed=3, kind="seed", status="FAILED", parent=run_folder.all_runs()[0].name)
    before = [folder.name for folder in run_folder.all_runs()]
    code, out, line = command(*argv)
    assert code == 2 and words in line and "\n" not in line
    assert not out and [folder.name for folder in run_folder.all_runs()] == before


def test_its_help_says_what_a_group_is(command):
    code, out, _ = command("--help")
    assert code in (0, None) and "the seeds of its newest run of several seeds" in " ".join(out.split())
    assert "LABEL: GROUP" in out and "--failed" in out


@pytest.mark.slow
def test_no_backend_is_loaded(own_home):
    several([1.0, 2.0], curves=[(1, 2)] * 2)
    code = (
        "import sys; from lab.__main__ import main; "
        "assert main(['compare', 'ppo_toy', '--tracking-uri', 'none', '--replications', '500']) == 0; "
        "print([name for name in ('tensorflow', 'keras', 'jax', 'torch', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


# Runs of a server


@pytest.mark.long
def test_runs_of_a_server_are_compared_as_those_of_the_disk(tmp_path, monkeypatch):
    uri = local(tmp_path)
    parent = several([480.0, 500.0], curves=[(1, 475), (2, 500)], tracking_uri=uri)
    single = run(100.0, "dqn_toy", curve=(1, 2), tracking_uri=uri)
    assert not any(courier.sync().values())
    here = compare("ppo_toy", single.name)
    ids = [folder.mlflow_id() for folder in (parent, single)]
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "elsewhere"))
    for groups in (("ppo: ppo_toy", "dqn: dqn_toy"), (f"ppo: {ids[0]}", f"dqn: {ids[1]}")):
        there = compare(*groups, tracking_uri=uri)
        assert there.scores == {"ppo": {"Toy-v1": [480, 500]}, "dqn": {"Toy-v1": [100]}}
        assert (there.metric, there.curve, there.thresholds) == (here.metric, here.curve, here.thresholds)
        assert there.row("ppo", "steps to the threshold")[3:] == here.row("ppo_toy", "steps to the threshold")[3:]
        assert there.row("ppo", "wall time in seconds").value > 0
    with pytest.raises(
        ValueError, match=r"compare: expected a run or an experiment on this disk or on sqlite.*, received 'nobody'"
    ):
        compare("nobody", tracking_uri=uri)
