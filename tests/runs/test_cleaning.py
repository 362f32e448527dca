"""`lab clean`: what goes, what stays, and what a killed process leaves."""

import os
import shutil
import time

import pytest

from lab.commands import clean as command
from lab.runs import cleaning, listing
from lab.runs.cleaning import Selection
from lab.runs.files import read_json, write_json
from lab.runs.run_folder import RunFolder, all_runs, runs_folder
from tests.runs.test_listing import RUNNING, damage_header, finished, held, make

SMOKE = {"checkpoint_every": 1, "smoke": True}


def names():
    return {run.name for run in all_runs()}


def found(**wanted):
    items, kept = cleaning.find(Selection(**wanted))
    return [item.path.name for item in items], kept


def saved(run, size=1000):
    run.checkpoints.mkdir()
    (run.checkpoints / "step-1.safetensors").write_bytes(b"x" * size)
    return run


def failed(**changes):
    return make(RUNNING, {"status": "FAILED"}, **changes)


def family(*children, **changes):
    """A parent that failed, and its children, made by these functions."""
    parent = failed(kind="parent", seeds=2, **changes)
    return [parent, *(child(parent=parent.name, kind="seed", **changes) for child in children)]


def test_smoke_runs():
    smoke, other = finished(options=SMOKE), finished()
    items, kept = cleaning.find(Selection(smoke=True))
    assert [(item.path, item.what) for item in items] == [(smoke.path, "smoke run")]
    assert items[0].size == sum(path.stat().st_size for path in smoke.path.rglob("*") if path.is_file()) > 300
    assert kept == []
    cleaning.delete(items)
    assert names() == {other.name}
    assert os.listdir(runs_folder()) == [other.name]


def test_runs_of_which_nothing_has_finished():
    lost = [failed(), make(RUNNING)]
    make()  # not started: a scheduler may hold its command
    finished()
    assert sorted(found(failed=True)[0]) == sorted(run.name for run in lost)


def test_a_family_goes_or_stays_together():
    half = family(finished, failed)
    lost = family(failed, failed)
    deep = failed(parent=lost[1].name, kind="seed")
    assert sorted(found(failed=True)[0]) == sorted(run.name for run in [*lost, deep])
    assert found(all=True, word=half[1].name) == ([], [])  # a word is of the name of the parent
    assert sorted(found(all=True, word=half[0].name)[0]) == sorted(run.name for run in half)
    with held(deep):
        assert found(failed=True) == ([], [])
        assert found(all=True, word=lost[0].name) == ([], [f"{lost[0].name}: it is running"])
    cleaning.delete(cleaning.find(Selection(all=True, word=lost[0].name))[0])
    assert names() == {run.name for run in half}


def test_what_is_running_stays():
    run, done = finished(options=SMOKE), saved(finished())
    with held(run), held(done):
        assert found(all=True) == ([], [f"{run.name}: it is running", f"{done.name}: it is running"])
        assert found(smoke=True) == ([], [f"{run.name}: it is running"])
        assert found(checkpoints=True) == ([], [])
    assert len(found(all=True)[0]) == 2


def test_what_mlflow_does_not_have_stays():
    uri = "http://127.0.0.1:1"
    run, gone = finished(tracking_uri=uri), finished(tracking_uri=uri)
    sentence = f"{run.name}: MLflow does not have all of {run.name}; deliver it first: python -m lab sync"
    for each in (run, gone):
        write_json(each.path / "mlflow.json", {"run_id": "x", "uri": uri, "offset": each.length()})
    with open(run.journal, "ab") as file:
        file.write(b"{}\n")
    assert found(all=True) == ([gone.name], [sentence])
    run.journal.unlink()
    assert sorted(found(all=True)[0]) == sorted([run.name, gone.name])  # nothing can be delivered of it

    parent = finished(kind="parent")
    child = finished(parent=parent.name, tracking_uri=uri)
    assert found(all=True, word=parent.name)[1] == [
        f"{parent.name}: MLflow does not have all of {child.name}; deliver it first: python -m lab sync"
    ]


def test_checkpoints_of_finished_runs(capsys):
    done, died, none = saved(finished()), saved(make(RUNNING)), finished()
    child = saved(finished(parent=done.name, kind="seed"), 10)
    items, _ = cleaning.find(Selection(checkpoints=True))
    assert {(item.path, item.size) for item in items} == {(done.checkpoints, 1000), (child.checkpoints, 10)}
    assert {item.what for item in items} == {"checkpoints of a finished run"}
    assert command.main(["--checkpoints", "--yes"]) == 0
    assert "deleted, 1.01 kB are free\n" in capsys.readouterr().out
    assert not done.checkpoints.exists() and not child.checkpoints.exists() and died.checkpoints.exists()
    assert listing.row(done).results and names() == {run.name for run in (done, died, none, child)}
    assert found(checkpoints=True) == ([], [])


def test_damaged_runs_are_deleted_only_with_the_others_that_failed_or_all():
    run = finished()
    damage_header(run)
    assert found(smoke=True) == found(checkpoints=True) == ([], [])
    assert found(failed=True)[0] == found(all=True)[0] == [run.name]


def test_older_and_words():
    old, new = finished(), finished(experiment="other")
    header = read_json(old.path / "run.json")
    write_json(old.path / "run.json", header | {"created": time.time() - 3 * 86400})
    assert found(all=True, older=2.9)[0] == [old.name]
    assert found(all=True, older=3.1)[0] == []
    assert found(all=True, word="OTHER")[0] == [new.name]


class Killed(BaseException):
    """The process is gone."""


def delete_and_die(monkeypatch, wanted, deletions=0):
    """Is killed while a folder is being deleted, after some that were whole."""
    delete, done = shutil.rmtree, []

    def dies(path, *arguments, **options):
        if not os.path.exists(path):
            return
        if len(done) == deletions:
            os.unlink(next(each for each in path.rglob("*") if each.is_file()))
            raise Killed
        done.append(path)
        delete(path, *arguments, **options)

    items, _ = cleaning.find(wanted)
    with monkeypatch.context() as patch:
        patch.setattr(cleaning.shutil, "rmtree", dies)
        with pytest.raises(Killed):
            cleaning.delete(items)


@pytest.mark.parametrize("deletions", [0, 1, 2])
def test_a_kill_leaves_no_half_of_a_run_and_the_next_time_the_rest_goes(monkeypatch, deletions):
    lost, stays = family(failed, failed, options=SMOKE), finished()
    everything = {run.name for run in [*lost, stays]}
    delete_and_die(monkeypatch, Selection(smoke=True), deletions)
    left = names()
    assert len(everything - left) == deletions + 1
    assert all(listing.row(RunFolder(runs_folder() / name)).status != "DAMAGED" for name in left)
    if deletions < 2:
        assert lost[0].name in left  # so that its children can be found
    (rest,) = (item for item in cleaning.find(Selection())[0])
    assert (rest.what, rest.path.suffix) == ("rest of a run that was never made", ".deleted")
    cleaning.delete(cleaning.find(Selection(smoke=True))[0])
    assert os.listdir(runs_folder()) == [stays.name]


def test_a_kill_while_checkpoints_are_deleted_leaves_nothing(monkeypatch):
    run = saved(finished())
    delete_and_die(monkeypatch, Selection(checkpoints=True))
    assert (run.path / ".checkpoints.deleted").is_dir()
    cleaning.delete(cleaning.find(Selection(checkpoints=True))[0])
    assert sorted(os.listdir(run.path)) == ["artifacts", "journal.jsonl", "run.json"]


def test_a_half_made_run_goes_only_when_nobody_can_be_making_it(tmp_path):
    old, new = (runs_folder() / f".toy-{name}.partial" for name in ("old", "new"))
    for path in (old, new):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    assert found() == ([old.name], [])
    cleaning.delete(cleaning.find(Selection())[0])
    assert os.listdir(runs_folder()) == [new.name]


def test_where_there_are_no_runs(capsys):
    assert found(all=True) == ([], [])
    assert command.main(["--all"]) == 0
    assert capsys.readouterr().out == "to be deleted: 0 folders, 0 bytes; the copies in MLflow stay\n"


def test_without_a_flag_it_says_what_each_would_free(capsys):
    saved(finished(options=SMOKE), 10**6)
    failed()
    before = names()
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["--smoke", "--failed", "--checkpoints", "--all", "nothing"]
    assert [line.split()[-2] for line in lines[:4]] == ["1", "1", "1", "2"]
    assert lines[4] == "nothing was deleted; choose one or several of these flags"
    assert names() == before


def answering(monkeypatch, answer, meanwhile=lambda: None):
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda question: meanwhile() or answer)


@pytest.mark.parametrize(("answer", "gone"), [("y", True), (" YES ", True), ("", False), ("n", False), ("yess", False)])
def test_it_asks(monkeypatch, capsys, answer, gone):
    run = finished()
    answering(monkeypatch, answer)
    assert command.main(["--all"]) == 0
    said = capsys.readouterr().out
    assert str(run.path) in said
    assert (not run.path.exists(), "nothing was deleted" in said) == (gone, not gone)


def test_where_nobody_can_be_asked_it_wants_yes(monkeypatch):
    run = finished()
    monkeypatch.setattr("sys.stdin", type("Pipe", (), {"isatty": lambda self: False})())
    with pytest.raises(ValueError, match=r"^--yes: expected it where nobody can be asked, received False$"):
        command.main(["--all"])
    assert run.path.exists()
    assert command.main(["--all", "--yes"]) == 0
    assert not run.path.exists()


def test_a_run_that_is_resumed_during_the_question_stays(monkeypatch, capsys):
    died, other = make(RUNNING), make(RUNNING)
    child = make(RUNNING, parent=died.name, kind="seed")
    with held(other):
        pass
    stack = []

    def resumed():
        stack.append(held(child))
        stack[0].__enter__()

    answering(monkeypatch, "y", resumed)
    assert command.main(["--failed"]) == 0
    stack[0].__exit__(None, None, None)
    assert names() == {died.name, child.name}


def test_many_are_counted(capsys):
    for _ in range(command.LISTED + 2):
        make()
    assert command.main(["--all", "--yes"]) == 0
    said = capsys.readouterr().out
    assert said.count("run: ") == command.LISTED
    assert "and 2 more\n" in said
    assert names() == set()
