"""Delivery in the worst cases: dead runs, power failures, several couriers, another server."""

import json
import os
import threading
from pathlib import Path

import pytest

from lab.runs import courier, events, mlflow_server, run_folder
from lab.runs.journal import Journal
from tests.runs.test_courier import STEPS, expected, finish, history, local, log, make


def status(uri, folder):
    return mlflow_server.client(uri).get_run(folder.delivery()["run_id"]).info.status


def begin(folder):
    log = Journal(folder)
    log.append({"status": "RUNNING"})
    log.close()


@pytest.mark.slow
def test_sync_marks_runs_that_died_without_a_word_and_their_parents(tmp_path):
    uri = local(tmp_path)
    parent = make(uri, seeds=2)
    child = make(uri, parent=parent.name)
    with parent.lock("writer"), child.lock("writer"):
        for folder in (parent, child):
            begin(folder)
        assert courier.sync() == {parent.name: None, child.name: None}
        assert [status(uri, folder) for folder in (parent, child)] == ["RUNNING", "RUNNING"]
        assert courier.sync() == {}  # they live, and all is there
    assert courier.sync() == {parent.name: None, child.name: None}
    assert [status(uri, folder) for folder in (parent, child)] == ["KILLED", "KILLED"]
    assert courier.sync() == {}
    # Resumed and killed again, in the time between two looks.
    begin(child)
    assert courier.sync() == {child.name: None}
    assert status(uri, child) == "KILLED"


@pytest.mark.slow
def test_a_courier_marks_a_run_that_died_without_a_word_and_its_parent(tmp_path):
    uri = local(tmp_path)
    parent = make(uri, seeds=2)
    child = make(uri, parent=parent.name)
    for folder in (parent, child):
        begin(folder)
    assert courier.start_courier(child).wait(timeout=120) == 0
    assert [status(uri, folder) for folder in (parent, child)] == ["KILLED", "KILLED"]


@pytest.mark.slow
def test_one_courier_delivers_a_run_and_the_children_that_it_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(courier.os, "nice", lambda value: None)
    uri = local(tmp_path)
    parent = make(uri, seeds=2)
    children = [make(uri, parent=parent.name) for _ in range(2)]
    with parent.lock("writer"):
        begin(parent)
        thread = threading.Thread(target=courier._courier, args=[parent.path], daemon=True)
        thread.start()
        for child in children:
            with Journal(parent)._file as file:
                file.write(json.dumps({"child": child.name}).encode() + b"\n")
            log(child, 0, STEPS)
            finish(child)
        finish(parent)
    thread.join(120)
    assert all(map(courier.delivered, courier.family(parent)))
    for folder in (parent, *children):
        assert status(uri, folder) == "FINISHED"
    for child in children:
        assert history(uri, child.mlflow_id()) == expected(STEPS)
        tags = mlflow_server.client(uri).get_run(child.mlflow_id()).data.tags
        assert tags["mlflow.parentRunId"] == parent.mlflow_id()


def name_child(parent, child):
    with open(parent.journal, "ab") as file:
        file.write(events.encode({"child": child.name}))


def test_the_family_of_a_run_has_its_children_and_theirs_each_once():
    study = make("none")
    trials = [make("none", parent=study.name) for _ in range(2)]
    found = courier._Children(study)
    assert found.new() == []
    name_child(study, trials[0])
    assert [run.name for run in found.new()] == [trials[0].name]
    assert found.new() == []
    seeds = [make("none", parent=trials[0].name) for _ in range(2)]
    name_child(trials[0], seeds[0])
    name_child(study, trials[1])
    name_child(study, trials[0])  # named again by a resumed study
    assert [run.name for run in found.new()] == [trials[1].name, seeds[0].name]
    name_child(trials[0], seeds[1])
    assert [run.name for run in found.new()] == [seeds[1].name]
    assert found.new() == []
    every = [study, trials[0], trials[1], *seeds]
    assert sorted(run.name for run in courier.family(study)) == sorted(run.name for run in every)
    assert [run.name for run in courier.family(trials[0])] == [run.name for run in (trials[0], *seeds)]
    trials[1].journal.unlink()  # another is damaged
    assert len(courier.family(study)) == 5


@pytest.mark.slow
def test_one_courier_delivers_a_study_its_trials_and_their_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(courier.os, "nice", lambda value: None)
    uri = local(tmp_path)
    study = make(uri, kind="study")
    with study.lock("writer"):
        begin(study)
        thread = threading.Thread(target=courier._courier, args=[study.path], daemon=True)
        thread.start()
        trial = make(uri, parent=study.name, kind="trial", trial=0, seeds=2)
        with trial.lock("writer"):
            begin(trial)
            name_child(study, trial)
            seeds = [make(uri, parent=trial.name, kind="seed", seed=seed) for seed in (3, 4)]
            for seed in seeds:
                name_child(trial, seed)
                log(seed, 0, STEPS)
                finish(seed)
            finish(trial)
        finish(study)
    thread.join(120)
    tags = {run.name: mlflow_server.client(uri).get_run(run.mlflow_id()).data.tags for run in (study, trial, *seeds)}
    assert "mlflow.parentRunId" not in tags[study.name]
    assert tags[trial.name]["mlflow.parentRunId"] == study.mlflow_id()
    assert {tags[seed.name]["mlflow.parentRunId"] for seed in seeds} == {trial.mlflow_id()}
    for seed in seeds:
        assert history(uri, seed.mlflow_id()) == expected(STEPS)
    assert {status(uri, run) for run in (study, trial, *seeds)} == {"FINISHED"}


@pytest.mark.slow
def test_sync_to_another_server_delivers_there(tmp_path):
    folder, other = make(local(tmp_path)), f"sqlite:///{tmp_path}/other.db"
    log(folder, 0, STEPS)
    finish(folder)
    assert courier.sync() == {folder.name: None}
    assert courier.sync(other) == {folder.name: None}
    assert history(other, folder.delivery()["run_id"]) == expected(STEPS)
    assert status(other, folder) == "FINISHED"
    assert courier.sync(other) == {}
    assert courier.sync() == {}


@pytest.mark.slow
def test_a_power_failure_that_takes_the_end_of_the_journal(tmp_path):
    folder = make(local(tmp_path))
    log(folder, 0, STEPS)
    courier.Delivery(folder).advance()
    os.truncate(folder.journal, folder.journal.stat().st_size // 2)
    assert not courier.delivered(folder)
    begin(folder)  # resumed, until the journal is longer than what was delivered
    log(folder, STEPS // 4, 2 * STEPS)
    courier.Delivery(folder).advance()
    assert history(local(tmp_path), folder.delivery()["run_id"]) == expected(2 * STEPS)
    assert courier.delivered(folder)


@pytest.mark.slow
def test_the_journal_is_on_the_disk_before_what_was_delivered_of_it_is_noted(tmp_path, monkeypatch):
    folder, synced = make(local(tmp_path)), []
    log(folder, 0, 3)
    delivery = courier.Delivery(folder)
    delivery.identify()
    monkeypatch.setattr(run_folder.os, "fsync", lambda file: synced.append(Path(os.readlink(f"/proc/self/fd/{file}")).name))
    delivery.advance()
    assert [name.split(".")[:2] for name in synced] == [["journal", "jsonl"], ["", "mlflow"]]


def test_a_journal_that_lost_its_end_and_grew_again_is_told_by_its_mark():
    folder = make("none")
    log(folder, 0, 60)
    end = folder.length()
    mark = folder.mark(end)
    log(folder, 60, 61)
    assert folder.mark(end) == mark
    os.truncate(folder.journal, end // 2)
    log(folder, 100, 200)
    assert folder.mark(end) != mark
    assert folder.mark(0) == 0


class Clock:
    """A clock that goes on when somebody sleeps."""

    now = 1.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def world(monkeypatch):
    """A clock, a server that is back after 34 s, and the times at which it had everything."""
    clock, ends = Clock(), []

    class Delivery:
        notes, uri = (), "none"

        def __init__(self, folder):
            pass

        def advance(self):
            if clock.now < 34:
                raise ConnectionError("away")

        def conclude(self):
            ends.append(clock.now)
            return True

    monkeypatch.setattr(courier, "Delivery", Delivery)
    monkeypatch.setattr(courier, "time", clock)
    monkeypatch.setattr(courier.os, "nice", lambda value: None)
    return clock, ends


def test_a_courier_waits_for_the_one_before(world):
    clock, ends = world
    clock.now, folder = 50, make("none")
    thread = threading.Thread(target=courier._courier, args=[folder.path], daemon=True)
    with folder.lock("courier"):
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert ends == [50]


@pytest.mark.parametrize("resumed", [False, True])
def test_a_courier_is_patient_anew_with_a_run_that_was_resumed(world, monkeypatch, resumed):
    clock, ends = world
    monkeypatch.setattr(courier.RunFolder, "locked", lambda self, role: resumed and 15 < clock.now <= 25)
    courier._courier(make("none").path)
    assert bool(ends) == resumed
    assert (34 if resumed else 21) < clock.now < 45
