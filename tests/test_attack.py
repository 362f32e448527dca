"""The machinery of the attack: it hits where it aims, counts right, and finds planted errors."""

import random
import signal
import sqlite3

import pytest

from benchmarks import attack, attack_couriers, attack_kills, victims
from lab.agents.tabular.table import Weights
from lab.runs import checkpoint
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder


class Died(BaseException):
    """Stands for the end of this process."""


def make(weight=1.0):
    """The folder of a finished run."""
    header = {"experiment": "toy", "seed": 0, "options": {"checkpoint_every": 1}, "total_steps": 1, "digest": "d", "config": {}}
    folder = RunFolder.create(header)
    checkpoint.save(folder.checkpoints, 1, [Weights([weight], "weights")])
    journal = Journal(folder)
    journal.metrics({"loss": 0.5}, 1)
    (folder.artifacts / "samples.png").write_bytes(b"1")
    journal.append({"artifact": "samples.png"})
    journal.append({"results": {"score": 1.0}})
    journal.append({"status": "FINISHED"})
    journal.close()
    return folder


@pytest.mark.parametrize(("side", "lines", "rest"), [("before", 1, False), ("amid", 1, True), ("after", 2, False)])
def test_a_trap_kills_at_the_second_line_of_a_journal(own_home, monkeypatch, side, lines, rest):
    folder = RunFolder.create({"experiment": "toy", "seed": 0})
    trap = victims.Trap(2, side)

    def die(self):
        raise Died

    monkeypatch.setattr(victims.Trap, "die", die)
    monkeypatch.setattr(Journal, "append", trap.around("journal line", Journal.append))
    journal = Journal(folder)
    journal.append({"tags": {"a": "1"}})
    with pytest.raises(Died):
        journal.append({"tags": {"b": "2"}})
    content = folder.journal.read_bytes()
    assert content.count(b"\n") == lines
    assert (not content.endswith(b"\n")) is rest
    assert trap.count == 2


class Script:
    """A server whose runs do what they are told.

    Args:
        acts: of each run (exit code, function that leaves something on the disk).
    """

    seconds = 1.0

    def __init__(self, *acts):
        self.acts, self.started = list(acts), []

    def start(self, module, arguments, home, **trap):
        (home / "output").touch()
        self.started.append((module, arguments))
        if trap:
            (home / "output").write_text("killed before os.fsync number 3\n")

    def wait(self, seconds):
        code, leave = self.acts.pop(0)
        leave()
        return code

    def signal(self, number):
        pass


@pytest.mark.parametrize(("weight", "found"), [(1.0, []), (2.0, ["variable 0000 weights"])])
def test_a_run_that_forgets_is_found(own_home, monkeypatch, weight, found):
    kind = attack_kills.Kind("toy", "--steps 5", 1)
    folder = make()
    alone = attack_kills.Alone(attack_kills.state(folder), 10, 1.0)
    folder.path.rename(own_home / "alone")
    server = Script((-signal.SIGKILL, lambda: None), (0, lambda: make(weight)))
    run = attack_kills.Disturbed(server, kind, own_home, alone, random.Random(1), 0, 1)
    monkeypatch.setattr(run._rng, "random", lambda: 0.1)  # at a call
    assert run.live() == found
    assert run.kills() == 1
    assert run.blows[0]["where"] == "before os.fsync number 3"
    assert [arguments for _, arguments in server.started] == [["--steps", "5", "--seed", "0", "--tracking-uri", "none"]] * 2


def test_a_run_that_fails_is_told(own_home):
    kind, alone = attack_kills.Kind("toy", "", 1), attack_kills.Alone({}, 10, 1.0)
    run = attack_kills.Disturbed(Script((1, lambda: None)), kind, own_home, alone, random.Random(1), 0, 0)
    assert run.live()[0].startswith("exit code 1")


def test_the_rows_go_on_after_a_line_that_was_cut(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = attack.Rows(path)
    rows.append("kills", {"kind": "a", "counts": {"kills": 2}, "differences": []})
    with open(path, "a") as file:
        file.write('{"part": "ki')
    rows = attack.Rows(path)
    rows.append("kills", {"kind": "a", "counts": {"kills": 3, "runs": 1}, "differences": ["loss"]})
    assert len(attack.Rows(path).of("kills")) == 2
    [summary] = rows.summary()
    assert summary["counts"] == {"kills": 5, "runs": 1}
    assert summary["differences"] == ["loss"]
    assert [set(about) for about in summary["on"]] == [{"commit", "python", "machine", "processor", "versions"}]


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("select 1", []),
        ("insert into metrics values ('loss', 1, 0.5)", ["metric loss at 1"]),
        ("update metrics set value = 0.25", ["metric loss at 1"]),
        ("delete from metrics", ["metric loss at 1"]),
        ("insert into runs select * from runs", ["runs: "]),
        ("update runs set status = 'RUNNING'", ["runs: "]),
    ],
)
def test_what_mlflow_has_otherwise_is_found(own_home, statement, wrong):
    folder, store, place = make(), own_home / "store.db", own_home / "place"
    place.mkdir()
    (place / "samples.png").write_bytes(b"1")
    with sqlite3.connect(store) as base:
        base.execute("create table metrics (key, step, value)")
        base.execute("insert into metrics values ('loss', 1, 0.5)")
        base.execute("create table runs (status, artifact_uri)")
        base.execute("insert into runs values ('FINISHED', ?)", (f"file://{place}",))
        base.execute(statement)
    base.close()
    assert [text.split("[")[0] for text in attack_couriers.differences(folder, store)] == wrong
    (place / "samples.png").write_bytes(b"2")
    if not wrong:
        assert attack_couriers.differences(folder, store) == ["artifact samples.png"]
