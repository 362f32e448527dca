"""Scores over seeds: what is measured, kept, found again and shown."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import time
import types

import pytest

from benchmarks import one_run, rl_scores, scores, tables, tabular_scores, three_ways
from benchmarks.tables import Row, Table, compared, interval, mean, means, middle, minutes, name, seeds, worst
from lab.runs import old_names
from lab.runs.run_folder import RunFolder

TOY = "dqn_scores"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """The folder of results, at first empty. Settings have the digest that is in it last."""
    monkeypatch.setattr(scores, "RESULTS", tmp_path)
    monkeypatch.setattr(scores, "describe", lambda *packages: {"commit": "c", "versions": list(packages)})
    monkeypatch.setattr(tables, "digest", lambda experiment, flags: " ".join([experiment, *flags]))
    return tmp_path


@pytest.fixture
def measured(monkeypatch):
    """What was measured: (experiment, flags, seed, Keras backend), with seed as its score."""
    calls = []

    def measure(experiment, flags, seed, environment, commit):
        if len(calls) == 3:
            calls.append("stopped")
            raise KeyboardInterrupt
        calls.append((experiment, *flags, seed, environment["KERAS_BACKEND"]))
        return {"score": float(seed), "seed": seed}

    monkeypatch.setattr(one_run, "measure", measure)
    return calls


def test_a_measurement_goes_on_where_it_was_stopped(results, measured):
    rows = [Row("toy", "--a 1", seeds=2), Row("toy other", seeds=3)]
    with pytest.raises(KeyboardInterrupt):
        scores.measure(TOY, rows)
    with open(results / f"{TOY}.jsonl", "a") as file:
        file.write('{"row": "toy oth')  # a line that was cut
    scores.measure(TOY, rows)
    scores.measure(TOY, rows)
    backend = "tensorflow"
    first = [("toy", "--a", "1", 0, backend), ("toy", 0, backend), ("toy", "--a", "1", 1, backend)]
    assert measured == [*first, "stopped", ("toy", 1, backend), ("toy", 2, backend)]
    kept = scores.kept(TOY)
    assert {row: [run["seed"] for run in runs] for row, runs in kept.items()} == {"toy": [0, 1], "toy other": [0, 1, 2]}
    assert kept["toy"][0]["commit"] == "c"
    assert kept["toy"][0]["flags"] == "--a 1"


def test_three_ways_are_three_runs(results, measured):
    row = Row("toy", seeds=1, ways=three_ways.NAMES)
    scores.measure(TOY, [row])
    assert [backend for _, _, backend in measured] == ["tensorflow", "tensorflow", "jax"]
    runs = scores.kept(TOY)["toy"]
    assert [run["way"] for run in runs] == list(three_ways.NAMES)
    assert [run["versions"][-1] for run in runs] == ["numpy", "numpy", "jax"]


def test_other_settings_are_other_results(results, measured):
    scores.measure(TOY, [Row("toy", seeds=1)])
    scores.measure(TOY, [Row("toy", "--a 1", seeds=1)])
    assert len(measured) == 2
    [run] = scores.of_settings(scores.kept(TOY)["toy"], "toy --a 1")
    assert run["digest"] == "toy --a 1"


def test_a_row_may_measure_itself(results):
    def measure(seed):
        return {"score": next(numbers), "seed": seed}

    numbers = iter([0.5, 1.5])
    for _ in range(2):
        scores.measure(TOY, [Row("toy", seeds=2, measure=measure)])
    assert [run["score"] for run in scores.kept(TOY)["toy"]] == [0.5, 1.5]


def test_older_results_are_read_and_not_measured_again(results, measured):
    rows = {
        "toy": {"runs": [{"score": 1.0, "seed": 0}]},
        "values": {"values": [1.0, 2.0], "steps": 5, "mean": 1.5},
        "parts": {"one": {"values": [1.0], "mean": 1.0}, "random": 3.0},
        "sums": {"TensorFlow": {"mean": 1.0}},
    }
    (results / f"{TOY}.json").write_text(json.dumps({"rows": rows}))
    scores.measure(TOY, [Row("toy", seeds=2)])
    assert [call[1] for call in measured] == [1]
    kept = scores.kept(TOY)
    assert [run["seed"] for run in kept["toy"]] == [0, 1]
    assert kept["values"] == [{"greedy_return": 1.0, "steps": 5, "seed": 0}, {"greedy_return": 2.0, "steps": 5, "seed": 1}]
    assert kept["parts"] == [{"one": 1.0, "seed": 0}]
    assert "sums" not in kept


def test_older_lines_are_found_by_settings_or_experiment(results):
    lines = [{"experiment": "a", "settings": "b", "seed": 0}, {"experiment": "c", "seed": 0}]
    (results / f"{TOY}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(scores.kept(TOY)) == ["b", "c"]


def test_the_text_of_a_table():
    columns = [
        ("who", name("`{}`")),
        ("best", compared("best", "g")),
        *means({"kernel_distance": 1, "weights": 0}, equal=True),
        ("JAX", mean("weights", 1, way=three_ways.JAX)),
        ("share, %", mean("share", 1, factor=100)),
        ("middle", middle("weights", 1)),
        ("worst", worst("kernel_distance", 0)),
        ("minutes", minutes(0)),
        ("seeds", seeds),
    ]
    both = (three_ways.TENSORFLOW, three_ways.JAX)
    rows = [
        Row("published", cells=("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")),
        Row("toy", compared={"best": 2.50}),
        Row("ways", compared={"best": None}, ways=both),
        Row("absent"),
    ]
    one = [{"kernel_distance": value, "weights": 7, "share": 0.5, "minutes": 3.2, "seed": value} for value in (1, 3)]
    kept = {"toy": one, "ways": [run | {"way": way} for run in one for way in both] + [one[0] | {"way": three_ways.JAX}]}
    assert Table(columns, rows).text(kept).splitlines() == [
        "| who | best | kernel distance | weights | JAX | share, % | middle | worst | minutes | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| a | b | c | d | e | f | g | h | i | j |",
        "| `toy` | 2.5 | 2.0 ± 12.7 | 7 | – | 50.0 ± 0.0 | 7.0 | 1 | 3 | 2 |",
        "| `ways` | – | 1.8 ± 1.4 | 7 | 7.0 ± 0.0 | 50.0 ± 0.0 | 7.0 | 1 | 3 | 2, 3 |",
    ]
    assert Table(columns, rows).text({"others": one}) == ""


def test_intervals():
    assert interval([1.0, 3.0], 1) == "2.0 ± 12.7"  # t(0.975, 1) times 1
    assert interval([1.0], 1) == "1.0"
    runs = [{"score": value} for value in (0.0, 1.0, 3.0, 100.0)]
    value, low, high = map(float, re.findall(r"[\d.]+", middle("score", 1)(Row("toy"), runs)))
    assert value == 2 and 0 <= low < 2 < high <= 100


@pytest.mark.parametrize("family", scores.FAMILIES)
def test_every_row_of_a_family_can_be_run(family):
    rows = [row for table in scores.tables(family) for row in table.rows if not row.cells]
    assert len({(row.name, row.ways) for row in rows}) == len(rows)
    for row in rows:
        assert row.measure or importlib.util.find_spec(f"experiments.{row.module}"), row


def test_the_command_line(results, measured, monkeypatch, capsys):
    monkeypatch.setattr(scores, "tables", lambda family: [Table([("who", name())], [Row("toy"), Row("toy other")])])
    scores.main([TOY, "--only", "toy other", "--seeds", "1"])
    assert measured == [("toy", 0, "tensorflow")]
    capsys.readouterr()
    scores.main([TOY, "--table"])
    assert capsys.readouterr().out == "| who |\n|---|\n| toy other |\n"
    with pytest.raises(SystemExit, match="2"):
        scores.main([TOY, "--only", "none"])
    assert "expected rows of ['toy', 'toy other'], received ['none']" in capsys.readouterr().err


@pytest.fixture
def measured_here(tmp_path, monkeypatch):
    """Runs that are measured have their homes here."""
    monkeypatch.setattr(one_run, "MEASURED", tmp_path / "measured")
    return tmp_path / "measured"


TINY = ("q_learning_taxi", ["--environment", "FrozenLake-v1", "--smoke", "--steps", "2000"], 3)


@pytest.mark.long
def test_a_whole_run(measured_here):
    run = one_run.measure(*TINY, three_ways.variables(three_ways.OTHER_BITS))
    assert run["seed"] == 3
    assert run["steps"] == run["samples_seen"] == 2000
    assert 0 <= run["exact_greedy_return"] <= run["best_return"] == pytest.approx(0.7442, abs=1e-4)
    assert 0 < run["minutes"] < 5 and 0 < run["processor_minutes"] < 5
    assert not list(measured_here.iterdir())


@pytest.mark.long
def test_a_run_that_was_stopped_is_resumed(measured_here, monkeypatch):
    longer = (TINY[0], [*TINY[1][:-1], "50000"], 3)
    commands = []

    def run(command, *, env, check, **options):
        commands.append(command)
        with subprocess.Popen(command, env=env, **options) as process:
            while len(commands) == 1 and not list(measured_here.glob("*/mlruns/runs/*/checkpoints/step-*")):
                time.sleep(0.01)
            if len(commands) == 1:
                process.kill()
                raise KeyboardInterrupt
        assert process.returncode == 0

    monkeypatch.setattr(one_run.subprocess, "run", run)
    ways = three_ways.variables(three_ways.TENSORFLOW)
    with pytest.raises(KeyboardInterrupt):
        one_run.measure(*longer, ways, "commit")
    found = one_run.measure(*longer, ways, "commit")
    whole = one_run.measure(*longer, ways, "commit")
    assert ["resume" in command for command in commands] == [False, True, False]
    assert found == {name: value for name, value in whole.items() if "minutes" not in name}
    assert one_run.place(*longer, ways, "commit") != one_run.place(*longer, ways, "another")


@pytest.mark.parametrize("commit", ["", "commit-dirty"])
def test_a_run_of_code_that_may_have_changed_starts_anew(measured_here, monkeypatch, commit):
    ways, commands = three_ways.variables(three_ways.TENSORFLOW), []
    monkeypatch.setenv("LAB_HOME", str(one_run.place(*TINY, ways, commit)))
    begun = RunFolder.create({"experiment": TINY[0], "module": f"experiments.{TINY[0]}", "seed": 3, "config": {}})
    assert begun.status() == "KILLED"

    def run(command, **options):
        commands.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(one_run.subprocess, "run", run)
    with pytest.raises(KeyboardInterrupt):
        one_run.measure(*TINY, ways, commit)
    assert "resume" not in commands[0] and not begun.path.exists()


def test_a_digest_depends_on_flags_and_on_nothing_else():
    one = one_run.digest("q_learning_taxi", ["--steps", "5"])
    assert one == one_run.digest("q_learning_taxi", ["--steps", "5"])
    assert one != one_run.digest("q_learning_taxi", ["--steps", "6"])


def test_new_names_and_new_fields_are_no_other_settings(monkeypatch):
    def digest(**fields):
        config = dataclasses.make_dataclass("Config", [(name, object, value) for name, value in fields.items()])
        monkeypatch.setitem(sys.modules, "experiments.toy", types.SimpleNamespace(Config=config))
        return one_run.digest("toy", [])

    before = digest(late=2)
    assert digest(start=2, more=3) != before
    monkeypatch.setitem(old_names.SETTINGS, "toy", {"late": "start"})
    monkeypatch.setitem(old_names.ADDED, "toy", {"more": 3})
    assert digest(start=2, more=3) == before
    assert before not in (digest(start=2, more=4), digest(start=1, more=3))


def environment(row):
    return importlib.import_module(f"experiments.{row.module}").Config.environment


@pytest.mark.long
@pytest.mark.parametrize("name", sorted({environment(row) for row in rl_scores.ROWS}))
def test_random_actions_score_what_the_rows_say(name):
    said = [row.compared["random"] for row in rl_scores.ROWS if environment(row) == name]
    assert said == pytest.approx([rl_scores.random_score(name)] * len(said), abs=0.051)


@pytest.mark.parametrize("row", tabular_scores.ROWS, ids=lambda row: row.name)
def test_random_actions_have_the_exact_return_that_a_row_says(row):
    limit = 100 if "Lake" in row.name else 200
    assert tabular_scores.random_score(row.name, limit) == pytest.approx(row.compared["random"], abs=5.1e-5)
