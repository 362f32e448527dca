import fcntl
import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest

from lab.errors import DamagedFile
from lab.runs import run_folder
from lab.runs.files import write_json
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.processes import ROOT

HEADER = {"experiment": "toy", "seed": 1, "seeds": 1}


def read(folder):
    return [json.loads(line) for line in folder.journal.read_text().splitlines()]


def test_a_run_folder_knows_what_was_started():
    folder = RunFolder.create(HEADER)
    assert folder.header()["experiment"] == "toy"
    assert folder.name.startswith("toy-seed1-")
    assert folder.status() == "KILLED"  # nobody writes it
    assert run_folder.find(folder.name).path == folder.path


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


def test_only_the_metrics_that_are_named_are_read():
    folder = RunFolder.create(HEADER)
    log = Journal(folder)
    log.metrics({"loss": 1.0, "q": 2.0}, 10)
    log.metrics({"größe": 3.0}, 20)
    log.append({"tags": {"loss": "of a tag"}})
    log.close()
    assert folder.metrics("loss", "größe") == {"loss": [(10, 1.0)], "größe": [(20, 3.0)]}
    assert folder.metrics("los") == {}


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
        run_folder.find("nothing")
    folder = RunFolder.create(HEADER)
    with pytest.raises(FileNotFoundError, match=f"the newest is {folder.name}.*received 'nothing'"):
        run_folder.find("nothing")


def test_a_folder_that_cannot_be_made_leaves_nothing(monkeypatch, tmp_path):
    def full(path, content):
        raise OSError("No space left on device")

    monkeypatch.setattr(run_folder, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        RunFolder.create(HEADER)
    assert list((tmp_path / "mlruns" / "runs").iterdir()) == []


def test_what_was_left_half_made_is_no_run(tmp_path):
    folder = RunFolder.create(HEADER)
    left = folder.path.with_name(".toy-seed2.partial")
    left.mkdir()
    (left / "run.json").write_text("{}")
    assert [run.name for run in run_folder.all_runs()] == [folder.name]


def test_damaged_lines_are_passed_over_and_named_and_the_rest_holds():
    folder = RunFolder.create(HEADER)
    log = Journal(folder)
    for step in range(4):
        log.metrics({"loss": 10.0 + step}, step)
    log.close()
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"11.0", b"71.0")  # still JSON: only the checksum tells
    lines[2] = b"\xff" + lines[2][1:]
    folder.journal.write_bytes(b"".join(lines))
    assert folder.metrics() == {"loss": [(0, 10.0), (3, 13.0)]}
    log = Journal(folder)
    (complaint,) = log.complaints
    assert complaint == f"{folder.journal}: 2 damaged (line 2, 3), passed over: what was logged there is lost"
    log.metrics({"loss": 11.0}, 1)  # a run that goes on from an older checkpoint logs it again
    log.close()
    assert folder.metrics() == {"loss": [(0, 10.0), (1, 11.0), (3, 13.0)]}


def test_a_journal_that_lost_its_end_or_everything_is_named():
    folder = RunFolder.create(HEADER)
    assert Journal(folder).complaints == []
    write_json(folder.path / "mlflow.json", {"run_id": "a", "offset": 99})
    folder.checkpoints.mkdir()
    (folder.checkpoints / "step-000000000001.safetensors").touch()
    lost, empty = Journal(folder).complaints
    assert lost == f"{folder.journal}: expected at least 99 bytes, received 0: its end is lost"
    assert empty.startswith(f"{folder.journal}: expected what was logged before the checkpoints, received an empty file")


def test_a_journal_of_an_older_version_is_read():
    folder = RunFolder.create(HEADER)
    folder.journal.write_text('{"metrics": {"crc": 2.0}, "step": 1, "time": 5}\n{"metrics": 3, "step": 1}\n[1]\n')
    assert folder.metrics() == {"crc": [(1, 2.0)]}
    assert "2 damaged (line 2, 3)" in Journal(folder).complaints[0]


def test_a_missing_journal_is_named_with_the_way_out():
    folder = RunFolder.create(HEADER)
    folder.journal.unlink()
    with pytest.raises(
        DamagedFile, match=rf"^{folder.journal}: expected a journal, received none: No such file .*an empty file in"
    ):
        Journal(folder)
    folder.journal.mkdir()
    with pytest.raises(DamagedFile, match="Is a directory"):
        folder.status()


def test_a_full_disk_leaves_no_half_of_an_event(tmp_path):
    code = f"""
import resource, signal
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.processes import ROOT
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = Journal(RunFolder({str(RunFolder.create(HEADER).path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
log.metrics({{"a": 1.0}}, 1)
try:
    log.metrics({{"b": 1.0}}, 1)
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.metrics({{"c": 1.0}}, 1)
log.close()
print(*log.folder.metrics(), *Journal(log.folder).complaints)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "File too large\na c\n", done.stderr


def test_one_damaged_run_stops_no_other():
    broken, whole = RunFolder.create(HEADER), RunFolder.create(HEADER)
    (broken.path / "run.json").write_text("")
    (broken.path / "mlflow.json").write_text("{")
    write_json(whole.path / "mlflow.json", {"run_id": "abc", "offset": 0})
    assert run_folder.find("abc").path == whole.path
    with pytest.raises(DamagedFile, match=f"^{broken.path}/run.json: expected JSON, received an empty file$"):
        run_folder.find(broken.name).header()
    (broken.path / "run.json").unlink()
    assert {run.name for run in run_folder.all_runs()} == {broken.name, whole.name}
    with pytest.raises(DamagedFile, match=f"^{broken.path}/run.json: expected a file, received nothing$"):
        broken.header()


def test_the_end_of_the_journal_is_found_without_reading_it():
    folder = RunFolder.create(HEADER)
    assert folder.length() == 0
    for text, length in ((b"a" * 5000, 0), (b"a\n" + b"b" * 9000, 2), (b"c" * 9000 + b"\n", 9001)):
        folder.journal.write_bytes(text)
        assert folder.length() == length


def test_what_is_known_of_fifty_thousand_reports_is_small():
    log = Journal(RunFolder.create(HEADER))
    tracemalloc.start()
    for step in range(5_000):
        assert all(log._is_new(key, step) for key in "abcdef")
    assert tracemalloc.get_traced_memory()[0] < 12 * 6 * 5_000  # bytes
    tracemalloc.stop()
    assert log._is_new("a", -1)
    assert not log._is_new("a", -1)
    assert not log._is_new("a", 17)


def test_to_look_at_a_lock_neither_takes_it_nor_makes_its_file():
    folder = RunFolder.create(HEADER)
    assert not folder.locked("writer")
    assert not (folder.path / ".writer.lock").exists()
    looking, seen = threading.Event(), []

    def look():
        while not looking.is_set():
            seen.append(folder.locked("writer"))

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    taken = []
    for _ in range(300):
        with folder.lock("writer") as mine:
            taken.append(mine)
            assert folder.locked("writer")
    looking.set()
    for looker in lookers:
        looker.join()
    assert all(taken)  # nobody who looks is in the way
    assert not folder.locked("writer")
    with open(folder.path / ".writer.lock") as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, [looker, fcntl.LOCK_UN]).start()
        with folder.lock("writer") as mine:
            assert mine  # as soon as nobody looks
    with open(folder.path / ".writer.lock") as one, open(folder.path / ".writer.lock") as other:
        fcntl.flock(one, fcntl.LOCK_SH)  # as one who looks
        assert not folder.locked("writer")
        fcntl.flock(other, fcntl.LOCK_SH)
        assert folder.status() == "KILLED"


def test_a_run_that_ends_while_one_looks_has_not_been_killed(monkeypatch):
    folder = RunFolder.create(HEADER)
    log, locked = Journal(folder), RunFolder.locked

    def then_it_ends(self, role):
        held = locked(self, role)
        log.append({"status": "FINISHED"})
        return held

    monkeypatch.setattr(RunFolder, "locked", then_it_ends)
    assert folder.status() == "FINISHED"


def test_what_killed_processes_left_half_made_is_swept_up(tmp_path):
    RunFolder.create(HEADER)
    runs = tmp_path / "mlruns" / "runs"
    for name, age in (("old", 7200), ("new", 0)):
        (runs / f".{name}.partial").mkdir()
        os.utime(runs / f".{name}.partial", (time.time() - age,) * 2)
    RunFolder.create(HEADER)
    assert [path.name for path in runs.glob(".*")] == [".new.partial"]
