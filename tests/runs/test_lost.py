"""What is lost, deleted or damaged on the server or on the disk.

`sync` restores it, or says what to do.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab.errors import DamagedFile
from lab.runs import courier, mlflow_server
from lab.runs.files import write_json
from lab.runs.journal import Journal
from tests.processes import ROOT
from tests.runs.test_courier import STEPS, empty_store, expected, finish, history, local, log, make

pytestmark = pytest.mark.slow


@pytest.fixture
def said():
    return []


@pytest.fixture
def sync(said):
    return lambda uri=None: courier.sync(uri, said.append)


def ended(uri, **changes):
    folder = make(uri, **changes)
    (folder.artifacts / "note.txt").write_text("hello")
    with zipfile.ZipFile(folder.artifacts / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    journal = Journal(folder)
    journal.append({"artifact": "note.txt"})
    journal.append({"model": "model.keras", "step": 1, "requirements": []})
    journal.close()
    log(folder, 0, STEPS)
    finish(folder)
    return folder


def assert_whole(uri, folder, steps=STEPS):
    client, run_id = mlflow_server.client(uri), folder.mlflow_id()
    run = client.get_run(run_id)
    assert (run.info.status, run.info.lifecycle_stage) == ("FINISHED", "active")
    assert run.data.params["rate"] == "0.5"
    for key, factor in (("loss", 1), ("reward", -2)):
        assert history(uri, run_id, key) == [(step, factor * value) for step, value in expected(steps)]
    assert "note.txt" in [file.path for file in client.list_artifacts(run_id)]
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    (ready,) = [each for each in models if each.status == "READY"]
    assert "MLmodel" in [Path(file.path).name for file in client.list_logged_model_artifacts(ready.model_id)]
    assert courier.sync() == {}


def test_what_is_deleted_in_the_ui_comes_back(tmp_path, sync, said):
    uri = local(tmp_path)
    folder = ended(uri)
    assert sync() == {folder.name: None}
    assert_whole(uri, folder)
    client, run_id = mlflow_server.client(uri), folder.mlflow_id()
    client.delete_run(run_id)
    sync()
    assert f"MLflow's run {run_id} had been deleted and is restored" in said[-1]
    assert_whole(uri, folder)
    client.delete_experiment(client.get_run(run_id).info.experiment_id)
    new = ended(uri)  # a later run of the same experiment
    assert sync()[new.name] is None
    assert any("experiment 'toy' had been deleted and is restored" in line for line in said)
    for each in (folder, new):
        assert_whole(uri, each)
    assert folder.mlflow_id() == run_id


@pytest.mark.parametrize("kind", ["empty", "older copy", "no artifacts"])
def test_a_store_that_is_replaced_is_made_whole(tmp_path, sync, kind):
    uri, path = local(tmp_path), tmp_path / "mlruns" / "mlflow.db"
    parent = make(uri, seeds=2)
    folder = ended(uri, parent=parent.name)
    finish(parent)
    content = folder.journal.read_bytes()
    folder.journal.write_bytes(content[: content.index(b'"step": 20')].rpartition(b"\n")[0] + b"\n")
    sync()
    older = tmp_path / "older.db"
    shutil.copyfile(path, older)
    folder.journal.write_bytes(content)
    sync()
    assert_whole(uri, folder)
    if kind == "no artifacts":
        shutil.rmtree(tmp_path / "mlruns" / "artifacts")
    else:
        shutil.copyfile(empty_store() if kind == "empty" else older, path)  # in place, as MLflow has it open
    assert sync()[folder.name] is None
    assert_whole(uri, folder)
    tags = mlflow_server.client(uri).get_run(folder.mlflow_id()).data.tags
    assert tags["mlflow.parentRunId"] == parent.mlflow_id()


def test_a_deleted_store_is_made_again(tmp_path):
    uri, path = local(tmp_path), tmp_path / "mlruns" / "mlflow.db"
    folder = ended(uri)
    assert courier.sync() == {folder.name: None}
    path.unlink()
    done = subprocess.run([sys.executable, "-m", "lab", "sync"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{folder.name}: delivered\n"), done.stderr
    copy = tmp_path / "copy.db"  # of which this process has nothing open
    shutil.copyfile(path, copy)
    assert history(f"sqlite:///{copy}", folder.mlflow_id()) == expected(STEPS)


def test_what_mlflow_refuses_does_not_stop_the_rest(tmp_path, sync, said):
    uri = local(tmp_path)
    config = {"rate": 0.5, "long": "x" * 9000} | {f"setting_{number}": number for number in range(150)}
    folder = make(uri, config=config)
    old = [
        {"metrics": {"loss": 0.0, "accuracy %": 2.0, "x" * 251: 1.0}, "step": 0, "time": 1},
        {"tags": {"a%b": "1"}, "time": 2},
        {"tags": {"long": "y" * 9000}, "time": 2},
        {"artifact": "missing.png", "time": 2},
        {"metrics": {"loss": 0.5, "odd": float("nan"), "high": float("inf")}, "step": 1, "time": 3},
    ]
    folder.journal.write_text("".join(json.dumps(event) + "\n" for event in old))
    finish(folder)
    assert sync() == {folder.name: None}
    run = mlflow_server.client(uri).get_run(folder.mlflow_id())
    assert history(uri, run.info.run_id) == expected(2)
    assert (len(run.data.params), len(run.data.params["long"]), len(run.data.tags["long"])) == (154, 6000, 8000)
    assert set(run.data.metrics) == {"loss", "odd", "high"}
    for words in (
        "received 'accuracy %'; it stays",
        "tag 'a%b': MLflow refuses it",
        f"{folder.artifacts}/missing.png: expected a file",
    ):
        assert sum(words in line for line in said) == 1, (words, said)
    assert sync() == {}


def test_one_damaged_run_does_not_stop_the_others(tmp_path, sync, said):
    uri = local(tmp_path)
    headless, parent, forgetful, whole = make(uri), make(uri), make(uri), make(uri)
    child = make(uri, parent=parent.name)
    for folder in (headless, forgetful, whole, child):
        log(folder, 0, STEPS)
        finish(folder)
    sync()
    write = {headless: "run.json", parent: "run.json", forgetful: "mlflow.json"}
    for folder, name in write.items():
        (folder.path / name).write_text("")
    content = bytearray(whole.journal.read_bytes())
    content[300] ^= 1
    whole.journal.write_bytes(bytes(content))
    for folder in (whole, child):
        (folder.path / "mlflow.json").unlink()
        mlflow_server.client(uri).set_tag(folder.mlflow_id() or _run_of(uri, folder), "lab.offset", "0 0")
    results = sync()
    assert {name for name, error in results.items() if error} == {headless.name, parent.name}
    assert all(isinstance(error, DamagedFile) for error in results.values() if error)
    assert str(results[headless.name]) == f"{headless.path}/run.json: expected JSON, received an empty file"
    text = "\n".join(said)
    assert f"{forgetful.path}/mlflow.json: expected JSON, received an empty file; the server was asked" in text
    assert f"{whole.journal}: 1 damaged lines, passed over" in text
    assert f"{child.name}: {parent.path}/run.json: expected JSON, received an empty file; delivered without" in text
    for folder in (forgetful, whole, child):
        assert history(uri, folder.mlflow_id()) == expected(STEPS)


def _run_of(uri, folder):
    client = mlflow_server.client(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("toy").experiment_id], f"tags.`lab.run` = '{folder.name}'")
    return run.info.run_id


def test_a_metric_that_a_damaged_journal_logs_again_arrives_once(tmp_path, sync):
    uri = local(tmp_path)
    folder = make(uri)
    log(folder, 0, STEPS)
    delivery = courier.Delivery(folder)
    delivery.advance()
    content = folder.journal.read_bytes()
    folder.journal.write_bytes(content[: content.index(b'"step": 20')].rpartition(b"\n")[0] + b"\n")  # its end is lost
    delivery = courier.Delivery(folder)
    delivery.advance()  # before the resumed run has logged anything
    for start in (20, 35):
        log(folder, start, start + 15)
        delivery.advance()
    finish(folder)
    sync()
    assert history(uri, folder.mlflow_id()) == expected(STEPS)


def test_sync_says_that_another_process_delivers(tmp_path, sync):
    folder = make(local(tmp_path))
    log(folder, 0, 3)
    with folder.lock("courier"):
        (error,) = sync().values()
    assert mlflow_server.explain(error) == "BusyError: another process is delivering this run; sync again when it has ended"


def test_a_password_in_an_old_header_is_told_and_not_copied(tmp_path, said):
    folder = make("http://me:hunter22@127.0.0.1:1")
    log(folder, 0, 3)
    ((name, error),) = courier.sync(None, said.append).items()
    assert said == [f"{name}: {folder.path}/run.json: holds a password that others may have read: change it, and take it out"]
    assert "hunter22" not in mlflow_server.explain(error)
    assert not (folder.path / "mlflow.json").exists() or "hunter22" not in (folder.path / "mlflow.json").read_text()
    write_json(folder.path / "run.json", folder.header() | {"tracking_uri": "none"})
