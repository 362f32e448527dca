"""`lab runs`: what the table says of runs in every state."""

import contextlib
import json
import subprocess
import sys
import time

import pytest

from lab.commands import runs as command
from lab.runs import listing
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.runs.test_lifecycle import HEADER

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(run):
    """Another process is writing to a run."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run.path / ".writer.lock")], **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()


def make(*events, **changes):
    folder = RunFolder.create(HEADER | {"total_steps": 3000} | changes)
    journal = Journal(folder)
    for event in events:
        if "metrics" in event:
            journal.metrics(event["metrics"], event["step"])
        else:
            journal.append(event)
    journal.close()
    return folder


RUNNING, FINISHED = {"status": "RUNNING"}, {"status": "FINISHED"}


def at(step, **metrics):
    return {"metrics": metrics, "step": step}


def finished(**changes):
    return make(RUNNING, at(1500, loss=0.5), {"results": {"loss": 0.25, "score": 7.0}}, FINISHED, **changes)


def test_how_runs_ended():
    ways = {
        "FINISHED": finished(),
        "FAILED": make(RUNNING, {"status": "FAILED"}),
        "KILLED": make(RUNNING, at(1, loss=0.5), {"status": "KILLED"}),
        "NOT STARTED": make(),
    }
    died = make(RUNNING, at(7, loss=0.5))
    assert listing.row(make({"child": "one that waits too"})).status == "NOT STARTED"
    resumed = make(RUNNING, {"status": "FAILED"}, RUNNING)
    assert {status: listing.row(run).status for status, run in ways.items()} == {status: status for status in ways}
    assert listing.row(died).status == listing.row(resumed).status == "KILLED"
    with held(died):
        assert listing.row(died).status == "RUNNING"
    assert listing.row(died).status == "KILLED"


def test_what_a_row_says():
    before = time.time()
    run = finished(about={"summary": "s", "expected": "score >= 5", "time": ""}, options={"checkpoint_every": 1, "smoke": True})
    row = listing.row(run)
    assert row._replace(age=0.0) == listing.Row(
        name=run.name,
        experiment="toy",
        kind="single",
        status="FINISHED",
        step=1500,
        total_steps=3000,
        results={"score": 7.0, "loss": 0.25},
        age=0.0,
        parent="",
        tags={"algorithm": "toy", "kind": "single", "smoke": "true"},
    )
    assert list(row.results) == ["score", "loss"]  # what is promised comes first
    assert 0 <= row.age <= time.time() - before + 1


def test_only_the_end_of_a_long_journal_is_read():
    run = make(RUNNING, *(at(step, loss=step / 3) for step in range(1500)))
    assert run.journal.stat().st_size > 2**16
    tail = run.tail()
    whole, _ = run.events()
    assert 100 < len(tail) < len(whole)
    assert tail == whole[-len(tail) :]
    assert run.tail(1) == []
    assert run.tail(2**30) == whole
    row = listing.row(run)
    assert (row.status, row.step) == ("KILLED", 1499)
    with open(run.journal, "ab") as file:
        file.write(b'{"status": "FINI')
    assert listing.row(run).step == 1499


def damage_header(run):
    (run.path / "run.json").write_text("{")


def empty(run):
    (run.path / "run.json").write_text("{}")


def lose_journal(run):
    run.journal.unlink()


def lose_header(run):
    (run.path / "run.json").unlink()


@pytest.mark.parametrize("damage", [damage_header, empty, lose_journal, lose_header])
def test_a_damaged_run_is_listed_and_hides_no_other(damage, capsys):
    bad, good = finished(), finished()
    damage(bad)
    assert {row.name: row.status for row in listing.rows()} == {bad.name: "DAMAGED", good.name: "FINISHED"}
    assert command.main(["--failed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split() == ["-", bad.name, "damaged", "0", "-", "0", "s"]


def test_children_are_listed_where_they_are_wanted():
    parent = finished(seeds=2, kind="parent")
    children = [finished(seed=seed, parent=parent.name, kind="seed") for seed in (0, 1)]
    assert [row.name for row in listing.rows()] == [parent.name]
    found = listing.rows(children=True)
    assert {row.name for row in found} == {parent.name, *(child.name for child in children)}
    assert [row.parent for row in found if row.kind == "seed"] == [parent.name] * 2


def test_words_and_statuses():
    done = finished(options={"checkpoint_every": 1, "smoke": True}, experiment="dqn_pole")
    failed = make(RUNNING, {"status": "FAILED"})
    waiting = make()

    def names(*arguments, **options):
        return {row.name for row in listing.rows(*arguments, **options)}

    assert names() == {done.name, failed.name, waiting.name}
    assert names("POLE") == names("dqn") == names("finished") == {done.name}
    assert names("toy") == {failed.name, waiting.name}
    assert names("nothing such") == set()
    assert names("", ["FAILED"]) == {failed.name}
    assert names("toy", ["FINISHED"]) == set()


def test_the_table(capsys):
    run = finished()
    died = make(RUNNING, total_steps=0)
    assert command.main([]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    short = run.name.removeprefix("toy-")
    assert lines[0] == ["EXPERIMENT", "RUN", "STATUS", "STEP", "RESULT", "AGE"]
    assert sorted(line[:-2] for line in lines[1:]) == sorted(
        [
            ["toy", short, "finished", "1,500/3,000", "loss", "0.25"],
            ["toy", died.name.removeprefix("toy-"), "killed", "0", "-"],
        ]
    )


def test_json(capsys):
    run = finished()
    assert command.main(["--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["status"], row["results"]) == (run.name, "FINISHED", {"loss": 0.25, "score": 7.0})
    assert command.main(["--json", "--running"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_flags_of_the_command(capsys, tmp_path):
    run, failed = make(RUNNING), make(RUNNING, {"status": "FAILED"})
    with held(run):
        assert command.main(["--running"]) == 0
        said = capsys.readouterr().out
        assert run.name.removeprefix("toy-") in said and failed.name.removeprefix("toy-") not in said
        assert command.main(["--running", "--failed"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 3
    assert command.main(["nothing-such"]) == 0
    assert capsys.readouterr().out == f"no such run in {tmp_path / 'mlruns' / 'runs'}\n"
    with pytest.raises(ValueError, match=r"--runing.*nearest: --running"):
        command.main(["--runing"])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (5999, "100 min"),
        (6000, "2 h"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 days"),
        (8.6e6, "100 days"),
    ],
)
def test_ages(seconds, text):
    assert listing.age(seconds) == text
