import json
import os

import pytest

from lab import journal
from lab.journal import Journal, RunFolder

HEADER = {"experiment": "toy", "seed": 1, "seeds": 1}


def read(folder):
    return [json.loads(line) for line in folder.journal.read_text().splitlines()]


def test_a_run_folder_knows_what_was_started():
    folder = RunFolder.create(HEADER)
    assert folder.header()["experiment"] == "toy"
    assert folder.name.startswith("toy-seed1-")
    assert folder.status() == "KILLED"  # nobody writes it
    assert journal.find(folder.name).path == folder.path


def test_each_key_and_step_is_logged_once():
    folder = RunFolder.create(HEADER)
    log = Journal(folder)
    log.metrics({"loss": 1.0, "q": 2.0}, 10)
    log.metrics({"loss": 9.0, "other": 3.0}, 10)
    log.close()
    log = Journal(folder)  # a resumed process
    log.metrics({"loss": 1.0, "q": 2.0}, 10)
    log.metrics({"loss": 1.5}, 20)
    log.close()
    assert folder.metrics() == {"loss": [(10, 1.0), (20, 1.5)], "q": [(10, 2.0)], "other": [(10, 3.0)]}


def test_a_line_cut_by_a_kill_is_dropped_and_written_again():
    folder = RunFolder.create(HEADER)
    log = Journal(folder)
    log.metrics({"loss": 1.0}, 10)
    log.close()
    with open(folder.journal, "ab") as file:
        file.write(b'{"metrics": {"loss": 2.0, "' + b"a long name" * 30)
    assert folder.metrics() == {"loss": [(10, 1.0)]}
    log = Journal(folder)
    log.metrics({"loss": 2.0}, 20)
    log.close()
    assert folder.metrics() == {"loss": [(10, 1.0), (20, 2.0)]}
    assert len(read(folder)) == 2


def test_status_and_results():
    folder = RunFolder.create(HEADER)
    with folder.lock("writer") as mine:
        assert mine
        log = Journal(folder)
        log.append({"status": "RUNNING"})
        assert folder.status() == "RUNNING"
        log.append({"results": {"r": 1.0}})
        log.append({"status": "FINISHED"})
        log.close()
    assert folder.status() == "FINISHED"
    assert folder.results() == {"r": 1.0}


def test_an_unknown_run_gets_a_hint():
    with pytest.raises(FileNotFoundError, match="there are none"):
        journal.find("nothing")
    folder = RunFolder.create(HEADER)
    with pytest.raises(FileNotFoundError, match=f"the newest is {folder.name}.*received 'nothing'"):
        journal.find("nothing")


def test_a_folder_that_cannot_be_made_leaves_nothing(monkeypatch, tmp_path):
    def full(path, content):
        raise OSError("No space left on device")

    monkeypatch.setattr(journal, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        RunFolder.create(HEADER)
    assert list((tmp_path / "mlruns" / "runs").iterdir()) == []


def test_what_was_left_half_made_is_no_run(tmp_path):
    folder = RunFolder.create(HEADER)
    left = folder.path.with_name(".toy-seed2.partial")
    left.mkdir()
    (left / "run.json").write_text("{}")
    assert [run.name for run in journal.all_runs()] == [folder.name]


def test_home_is_absolute_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", "somewhere")
    assert journal.home() == tmp_path / "somewhere"
    monkeypatch.delenv("LAB_HOME")
    assert os.path.isabs(journal.home())
    assert (journal.home() / "pyproject.toml").exists()
