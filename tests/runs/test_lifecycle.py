"""How runs end: asked to stop, interrupted between seeds, failed in the work of the parent."""

import dataclasses
import json
import os
import signal

import pytest

from lab import errors
from lab.data import DownloadError
from lab.errors import SettingError
from lab.runs import checkpoint, children, courier, lifecycle
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from lab.runs.track import Stopped, Track

HEADER = {
    "experiment": "toy",
    "module": "experiments.toy",
    "config": {"steps": 3},
    "options": {"checkpoint_every": 1},
    "seed": 0,
    "seeds": 1,
    "backend": "x",
    "tracking_uri": "none",
    "total_steps": 3,
    "versions": {},
    "digest": "d",
}


class Progress:
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)

    def update(self, step, metrics):
        """Shows nothing."""


@pytest.fixture
def track():
    folder = RunFolder.create(HEADER)
    return Track(folder, Journal(folder), Progress())


def press(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def test_facts_are_the_same_whenever_a_run_goes_on(track):
    track.fact("data", "abc")
    again = Track(track.folder, Journal(track.folder), Progress())
    again.fact("data", "abc")
    assert sum("data" in event.get("tags", {}) for event in track.folder.events()[0]) == 1
    with pytest.raises(errors.CheckpointError, match="data: expected abc, with which the run began, received xyz"):
        again.fact("data", "xyz")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_saves_stops_at_its_next_checkpoint(track, number):
    with lifecycle.interruptible(track):
        track.restore([])
        press(number)
        assert "stopping at the next checkpoint" in track.progress.said[-1]
        with pytest.raises(Stopped):
            track.checkpoint([], 1)
    assert [path.stem for path in track.folder.checkpoints.iterdir()] == ["step-000000000001"]


def test_the_second_ctrl_c_stops_at_once(track):
    with lifecycle.interruptible(track):
        track.restore([])
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_a_run_that_never_saves_stops_at_once(track):
    with lifecycle.interruptible(track), pytest.raises(KeyboardInterrupt):
        press()
    assert "stopping at once: no checkpoint will come" in track.progress.said[-1]


def test_a_run_that_has_saved_its_last_step_stops_at_once(track):
    with lifecycle.interruptible(track):
        track.restore([])
        track.checkpoint([], 2)
        assert track.saving
        track.checkpoint([], 3)
        with pytest.raises(KeyboardInterrupt):
            press()
    resumed = Track(track.folder, Journal(track.folder), Progress())
    assert resumed.restore([]) == 3
    assert not resumed.saving


def test_what_was_logged_is_on_the_disk_before_a_checkpoint_that_goes_on_from_there(track, monkeypatch):
    done = []
    monkeypatch.setattr(track._journal, "sync", lambda: done.append("journal"))
    monkeypatch.setattr(checkpoint, "save", lambda *arguments, **options: done.append("checkpoint"))
    track.checkpoint([], 1)
    assert done == ["journal", "checkpoint"]


def test_a_full_disk_at_the_checkpoint_that_was_waited_for(track, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save", full)
    track.checkpoint([], 1)
    assert track.progress.said[-1].endswith("the older ones are kept and the run goes on")
    track.stopping = True
    with pytest.raises(Stopped):
        track.checkpoint([], 2)
    assert track.progress.said[-1].endswith("the older ones are kept and the run stops")


def test_the_configuration_is_logged_once_also_where_a_killed_process_had_only_begun_to(track):
    folder = RunFolder.create(HEADER)
    (folder.artifacts / "config.json").write_text('{"experiment": "to')
    for _ in range(2):
        Track(folder, Journal(folder), None)
    assert json.loads((folder.artifacts / "config.json").read_text())["config"] == {"steps": 3}
    assert [event["artifact"] for event in folder.events()[0] if "artifact" in event] == ["config.json"]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_a_run_killed_while_it_finishes_has_the_same_table_of_metrics_when_it_is_resumed(track, monkeypatch, last):
    def finish(track):
        track.log({"loss": 0.5}, 3)
        track.curve("loss", label="loss", x_label="steps")
        track.finish({"score": 2.0})

    append, left = track._journal.append, iter([None] * (last + 2))  # the loss and curve.png come before

    def dies(event):
        next(left)
        append(event)

    monkeypatch.setattr(track._journal, "append", dies)
    with pytest.raises(StopIteration):
        finish(track)
    assert track.folder.results() is None
    finish(Track(track.folder, Journal(track.folder), Progress()))
    rows = (track.artifacts / "metrics.csv").read_text().splitlines()
    assert rows == ["key,step,value", "loss,3,0.5", "score,3,2.0"]


@dataclasses.dataclass(frozen=True)
class Config:
    """A toy's."""

    steps: int = 3


def parent(seeds=2):
    return RunFolder.create(HEADER | {"seeds": seeds})


def children_of(folder):
    return [run for run in map(RunFolder, folder.path.parent.iterdir()) if run.header().get("parent") == folder.name]


def toy(config, track):
    return {"r": float(track.seed)}


@pytest.fixture
def listening():
    """Handles Ctrl-C, and SIGTERM as an experiment does.

    Tests that are started in the background would ignore a Ctrl-C.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lifecycle.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_between_two_seeds_stops_them_all(listening, monkeypatch, capsys, number):
    folder, say = parent(), lifecycle.say_ending
    between = {folder.name: say}
    monkeypatch.setattr(
        lifecycle, "say_ending", lambda run, *rest: between.get(run.name, lambda *rest: press(number))(run, *rest)
    )
    assert children.run_children(folder, Config(), toy, "") == (130, None)
    assert folder.status() == "KILLED"
    assert [child.status() for child in children_of(folder)] == ["FINISHED"]
    assert f"to go on: python -m lab resume {folder.name}" in capsys.readouterr().out


def test_what_fails_in_the_parents_own_work_is_its_failure(capsys):
    def summary(track, rows):
        assert rows == {"": [{"r": 0.0}, {"r": 1.0}]}
        raise OSError(28, "No space left on device")

    folder = parent()
    assert children.run_children(folder, Config(), toy, "", summary=summary) == (1, None)
    assert folder.status() == "FAILED"
    assert folder.events()[0][-1]["tags"]["lab.error"] == "OSError: [Errno 28] No space left on device"
    assert "failed: OSError: [Errno 28] No space left on device\n" in capsys.readouterr().err
    assert children.run_children(folder, Config(), toy, "") == (0, {"r": 0.5})
    assert folder.status() == "FINISHED"
    assert folder.metrics()["r"] == [(3, 0.5)]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (KeyboardInterrupt, "KILLED", 130),
        (ArithmeticError, "FAILED", 1),
        (SettingError, "FAILED", 2),
        (DownloadError, "FAILED", 2),
    ],
)
def test_parents_end_as_their_children_do(failure, status, code, capsys):
    def run(config, track):
        raise failure

    folder = parent()
    assert children.run_children(folder, Config(), run, "") == (code, None)
    assert folder.status() == status
    (child,) = children_of(folder)
    assert child.status() == status
    said = capsys.readouterr()
    assert ("did not finish" in said.err) == (code != 130)
    assert ("to go on" in said.out) == (code != 2)


def test_a_full_disk_is_one_line_and_nothing_is_lost(track, capsys):
    def run(config, track):
        raise RuntimeError("Can't write data (file write failed: error message = 'No space left on device')")  # as h5py says

    folder = RunFolder.create(HEADER)
    assert lifecycle.run_one(folder, Config(), run, "") == (1, None)
    failed, lost = capsys.readouterr().err.splitlines()
    assert failed.startswith("failed: RuntimeError: Can't write data (file write failed: error message = 'No space left")
    assert lost == f"nothing of the run is lost: make room where {folder.path} lies, and let it go on"
    assert folder.status() == "FAILED"


def test_a_disk_that_is_full_from_the_first_event_on_is_one_line(monkeypatch, capsys):
    def full(self, event):
        raise OSError(28, "No space left on device")

    folder = RunFolder.create(HEADER)
    monkeypatch.setattr(Journal, "append", full)
    assert lifecycle.run_one(folder, Config(), toy, "") == (1, None)
    unwritten, failed, _ = capsys.readouterr().err.splitlines()
    assert unwritten == "the end of the run could not be written: [Errno 28] No space left on device"
    assert failed == "failed: OSError: [Errno 28] No space left on device"
    assert folder.status() == "KILLED"


def test_damage_is_said_before_the_run_goes_on(capsys):
    folder = RunFolder.create(HEADER)
    folder.journal.write_text("?\n")
    assert lifecycle.run_one(folder, Config(), toy, "") == (0, {"r": 0.0})
    assert capsys.readouterr().err == f"{folder.journal}: 1 damaged (line 1), passed over: what was logged there is lost\n"
    folder.journal.unlink()
    folder.journal.mkdir()
    assert lifecycle.run_one(folder, Config(), toy, "") == (2, None)
    assert capsys.readouterr().err.startswith(f"{folder.journal}: expected a journal, received none: Is a directory (")


def test_a_folder_in_the_place_of_a_file_of_ours_is_one_line(capsys):
    def run(config, track):
        (track.artifacts / "note.txt").write_text("hello")

    folder = RunFolder.create(HEADER)
    path = folder.artifacts / "note.txt"
    path.mkdir()
    assert lifecycle.run_one(folder, Config(), run, "") == (1, None)
    assert capsys.readouterr().err == f"failed: IsADirectoryError: [Errno 21] Is a directory: '{path}'\n"


def test_one_courier_follows_a_run_of_runs_and_nobody_waits_between(monkeypatch, capsys):
    started, waited = [], []
    monkeypatch.setattr(courier, "start_courier", lambda folder: started.append(folder.name))
    monkeypatch.setattr(lifecycle, "_wait", lambda courier, folder: waited.append(folder.name) or True)
    folder = RunFolder.create(HEADER | {"seeds": 2, "tracking_uri": "http://127.0.0.1:1"})
    assert children.run_children(folder, Config(), toy, "") == (0, {"r": 0.5})
    assert (started, waited) == ([folder.name], [folder.name])
    assert {each.name for each in courier.family(folder)} == {folder.name, *(each.name for each in children_of(folder))}
    assert len(courier.family(folder)) == 3


def test_a_damaged_run_beside_it_does_not_stop_a_run_of_runs(capsys):
    broken, folder = RunFolder.create(HEADER), parent()
    (broken.path / "run.json").write_text("{")
    assert children.run_children(folder, Config(), toy, "") == (0, {"r": 0.5})
    assert f"{broken.path}/run.json: expected JSON, received 1 bytes" in capsys.readouterr().err


def test_variants_are_named_in_words_that_metrics_can_have():
    variants = [{"a": (1, 2), "b": "x"}, {"a": 0.5, "b": "y/z"}]
    assert children._labelled(variants) == {"_1_ 2__x": variants[0], "0.5_y_z": variants[1]}
    assert list(children._labelled([{"a": "%"}, {"a": "$"}])) == ["__0", "__1"]
    assert children._labelled([{}]) == {"": {}}
