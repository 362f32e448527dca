"""The loop over jobs, with a pool that runs nothing: order, deaths, and how it is stopped."""

import os
import signal
import sys

import pytest

from lab.runs import jobs, machine
from lab.runs.jobs import RESTARTS, Job, work
from lab.runs.jobs_display import Display, reason
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from lab.runs.track import Stopped
from tests.runs.test_lifecycle import HEADER, press


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(jobs, "POLL", 0)


class Source:
    """Jobs that are there from the beginning."""

    def __init__(self, count):
        self.left = [Job(RunFolder.create(HEADER | {"seed": seed}), f"seed {seed}") for seed in range(count)]
        self.done = []
        self.not_wanted = set()

    def next(self):
        return self.left.pop(0) if self.left else None

    def ended(self, job, code):
        self.done.append((job.title, code))

    def unwanted(self, job):
        return job.title in self.not_wanted


class Pool:
    """Says of each job, after some looks, that it has ended.

    `codes` has the codes of its attempts, 0 by default. A job whose code is None runs until it is
    stopped. `asked` is called at each look, with the number of the look.
    """

    def __init__(self, places=1, codes=None, asked=lambda look: None):
        self.places, self.codes, self.asked = places, codes or {}, asked
        self.running, self.log, self.most, self.looks = [], [], 0, 0
        self.levels = {}

    def free(self):
        return len(self.running) < self.places

    def start(self, job):
        self.running.append(job)
        self.most = max(self.most, len(self.running))
        self.log.append(f"start {job.title}")

    def ended(self):
        self.looks += 1
        assert self.looks < 100, "the loop has no end"
        self.asked(self.looks)
        found = []
        for job in list(self.running):
            codes = self.codes.get(job.title, [])
            code = codes.pop(0) if codes else 0
            if code is None:
                codes.insert(0, None)
                code = 130 if self.levels.get(job.title) else None
            if code is not None:
                self.running.remove(job)
                found.append((job, code))
        return found

    def stop(self, job, at_once):
        for each in self.running if job is None else [job]:
            self.levels[each.title] = 1 + at_once
            self.log.append(f"stop {each.title} {1 + at_once}")

    def close(self):
        self.log.append("close")


def go(source, pool):
    work(source, pool, Display("toy", 3))


def test_jobs_run_in_their_order():
    source, pool = Source(3), Pool()
    go(source, pool)
    assert source.done == [("seed 0", 0), ("seed 1", 0), ("seed 2", 0)]
    assert pool.log == ["start seed 0", "start seed 1", "start seed 2", "close"]
    assert pool.most == 1


def test_as_many_run_side_by_side_as_there_are_places():
    source, pool = Source(5), Pool(2)
    go(source, pool)
    assert sorted(source.done) == [(f"seed {seed}", 0) for seed in range(5)]
    assert pool.most == 2


def test_one_that_dies_is_started_again(capsys):
    source, pool = Source(2), Pool(codes={"seed 0": [-9] * RESTARTS})
    go(source, pool)
    assert source.done == [("seed 0", 0), ("seed 1", 0)]
    assert pool.log.count("start seed 0") == 1 + RESTARTS
    said = "seed 0: its process died by signal 9; started again from its checkpoint\n"
    assert capsys.readouterr().out.count(said) == RESTARTS


def test_one_that_dies_again_and_again_has_failed(capsys):
    source, pool = Source(2), Pool(codes={"seed 0": [-9] * (RESTARTS + 1)})
    go(source, pool)
    assert source.done == [("seed 0", -9), ("seed 1", 0)]
    assert "seed 0: failed: exit code -9   run toy-seed0-" in capsys.readouterr().out


def test_one_that_fails_is_not_started_again(capsys):
    source, pool = Source(2), Pool(codes={"seed 0": [1]})
    journal = Journal(source.left[0].folder)
    journal.append({"status": "FAILED", "tags": {"lab.error": "ValueError: it broke"}})
    output = source.left[0].folder.output
    go(source, pool)
    assert source.done == [("seed 0", 1), ("seed 1", 0)]
    said = capsys.readouterr().out
    assert "seed 0: failed: ValueError: it broke   run toy-seed0-" in said
    assert f"; what it printed: {output}\n" in said
    assert "   1 of 3\n" in said


def test_the_last_error_is_the_reason():
    folder = RunFolder.create(HEADER)
    journal = Journal(folder)
    assert reason(folder, 3) == "exit code 3"
    for error in ("a", "b"):
        journal.append({"status": "FAILED", "tags": {"lab.error": error, "other": "c"}})
    journal.append({"tags": {"other": "c"}})
    assert reason(folder, 3) == "b"


def test_what_is_unwanted_is_stopped_at_once():
    source, pool = Source(2), Pool(2, {"seed 0": [None], "seed 1": [None]})
    source.not_wanted = {"seed 1"}

    def asked(look):
        if look == 4:
            source.not_wanted = {"seed 0"}

    pool.asked = asked
    go(source, pool)
    assert source.done == [("seed 1", 130), ("seed 0", 130)]
    assert set(pool.log) == {"start seed 0", "start seed 1", "stop seed 1 2", "stop seed 0 2", "close"}


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_all_at_their_checkpoints_and_nothing_is_started_after_it(capsys, number):
    before = handlers()
    source = Source(3)
    pool = Pool(2, {"seed 0": [None, None], "seed 1": [None]}, lambda look: press(number) if look == 2 else None)
    with pytest.raises(Stopped):
        go(source, pool)
    assert source.done == [("seed 0", 130), ("seed 1", 130)]
    assert pool.log == ["start seed 0", "start seed 1", "stop seed 0 1", "stop seed 1 1", "close"]
    assert len(source.left) == 1
    assert handlers() == before
    assert "stopping each job at its next checkpoint; press Ctrl-C again to stop them at once\n" in capsys.readouterr().out


def test_a_second_ctrl_c_stops_all_at_once():
    class Deaf(Pool):
        """Its job waits for level 2."""

        def stop(self, job, at_once):
            super().stop(job, at_once)
            self.levels = {title: level for title, level in self.levels.items() if level > 1}

    source = Source(1)
    pool = Deaf(1, {"seed 0": [None]}, lambda look: press() if look in (2, 4) else None)
    with pytest.raises(Stopped):
        go(source, pool)
    assert pool.log == ["start seed 0", "stop seed 0 1", "stop seed 0 2", "close"]
    assert source.done == [("seed 0", 130)]


def test_two_signals_in_a_moment_are_two():
    def asked(look):
        if look == 1:
            press()
            press(signal.SIGTERM)

    source, pool = Source(1), Pool(1, {"seed 0": [None]}, asked)
    pool.stop = lambda job, at_once: pool.log.append(f"stop {1 + at_once}") or (at_once and pool.codes.clear())
    with pytest.raises(Stopped):
        go(source, pool)
    assert pool.log == ["start seed 0", "stop 1", "stop 2", "close"]


def test_one_that_dies_while_all_are_stopped_is_not_started_again_and_has_not_failed():
    source = Source(2)
    pool = Pool(1, {"seed 0": [None, None, -9]}, lambda look: press() if look == 1 else None)
    pool.codes["seed 0"] = [-9]
    with pytest.raises(Stopped):
        go(source, pool)
    assert source.done == [("seed 0", 130)]
    assert pool.log == ["start seed 0", "close"]


def test_all_have_ended_when_it_says_that_it_was_stopped():
    source = Source(1)
    pool = Pool(1, {}, lambda look: press())  # the job finishes all the same
    with pytest.raises(Stopped):
        go(source, pool)
    assert source.done == [("seed 0", 0)]


def test_an_error_of_the_source_ends_the_processes():
    before = handlers()
    source, pool = Source(2), Pool(2, {"seed 1": [None]})

    def broken(job, code):
        raise ArithmeticError("no trial ends well")

    source.ended = broken
    with pytest.raises(ArithmeticError, match="no trial ends well"):
        go(source, pool)
    assert pool.log[-1] == "close"
    assert handlers() == before


def test_the_progress_of_a_job_is_read_from_its_journal(capsys, monkeypatch):
    monkeypatch.setattr("lab.runs.jobs_display.EVERY", -1)
    source = Source(1)
    journal = Journal(source.left[0].folder)
    journal.metrics({"loss": 8.0}, 1)  # before it is resumed

    def asked(look):
        if look == 2:
            journal.metrics({"loss": 0.5}, 2)
            journal.append({"results": {"loss": 0.25}})
        if look == 4:
            press()

    with pytest.raises(Stopped):
        go(source, Pool(1, {"seed 0": [None]}, asked))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("seed 0  ")] == ["seed 0  2/3  loss 0.5"]


def test_a_job_has_one_bar_also_when_it_is_started_again(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    job = Source(1).next()
    with Display("toy", 3, done=1) as display:
        for sentence in ("", "its process died"):
            display.started(job.folder, job.title, sentence)
            assert [task.description for task in display._bar.tasks] == ["toy", "  seed 0"]
        Journal(job.folder).metrics({"loss": 0.5}, 2)
        display.update(job.folder)
        (_, bar) = display._bar.tasks
        assert (bar.completed, bar.total, bar.fields["values"]) == (2, 3, "loss 0.5")
        display.ended(job.folder, 0)
        (every,) = display._bar.tasks
        assert (every.completed, every.total) == (2, 3)
    assert "seed 0: its process died" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cores", "jobs", "wanted", "expected"),
    [
        ({0, 1}, 1, 0, [[0, 1]]),
        ({0, 1}, 2, 0, [[0], [1]]),
        ({0, 1}, 3, 0, [[0], [1], [0]]),
        ({0, 1}, 2, 2, [[0, 1], [0, 1]]),
        ({0, 1}, 1, 1, [[0]]),
        ({0, 1}, 1, 64, [[0, 1]]),
        ({3, 5, 8, 9, 11}, 2, 0, [[3, 5], [8, 9]]),
        ({3, 5, 8, 9}, 3, 2, [[3, 5], [8, 9], [3, 5]]),
        ({3, 5, 8}, 2, 2, [[3, 5], [8, 3]]),
    ],
)
def test_how_cores_are_shared_out(monkeypatch, cores, jobs, wanted, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: cores)
    assert machine.shared_out(jobs, wanted) == expected


def test_a_process_uses_its_cores_and_as_many_threads(monkeypatch):
    used = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, cores: used.append((process, list(cores))))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {4, 6, 7})
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "x")  # so that it is restored
        monkeypatch.delenv(name)
    machine.use_as_recorded({})
    assert (used, "OMP_NUM_THREADS" in os.environ) == ([], False)
    machine.use_as_recorded({"threads": 2})
    assert used == [(0, [4, 6])]
    assert (os.environ["OMP_NUM_THREADS"], os.environ["TF_NUM_INTRAOP_THREADS"]) == ("2", "2")
    machine.use([4])
    assert os.environ["OMP_NUM_THREADS"] == "2"  # a person's choice stays
