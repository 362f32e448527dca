"""Delivery to MLflow: everything, each metric once, whatever fails in between."""

import atexit
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from lab.runs import courier, mlflow_server, mlflow_ui
from lab.runs import mlflow_delivery as deliveries
from lab.runs.files import write_json
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder

STEPS = 50


def make(uri, **changes):
    header = {
        "experiment": "toy",
        "module": "experiments.toy",
        "config": {"rate": 0.5},
        "options": {},
        "seed": 3,
        "seeds": 1,
        "backend": "tensorflow",
        "tracking_uri": uri,
        "total_steps": 1000,
        "versions": {"keras": "3"},
    }
    return RunFolder.create(header | changes)


@functools.cache
def empty_store():
    """An MLflow store without runs. MLflow takes seconds to make one."""
    path = Path(tempfile.mkdtemp()) / "mlflow.db"
    atexit.register(shutil.rmtree, path.parent)
    mlflow_server.client(f"sqlite:///{path}")
    return path


def local(tmp_path):
    """The URI of the local store, which this makes."""
    path = tmp_path / "mlruns" / "mlflow.db"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copy(empty_store(), path)
    return f"sqlite:///{path}"


def log(folder, start, end):
    journal = Journal(folder)
    for step in range(start, end):
        journal.metrics({"loss": step / 2, "reward": -step}, step)
    journal.close()


def history(uri, run_id, key="loss"):
    points = mlflow_server.client(uri).get_metric_history(run_id, key)
    return sorted((point.step, point.value) for point in points)


def expected(end):
    return [(step, step / 2) for step in range(end)]


@pytest.mark.slow
def test_a_run_arrives_whole(tmp_path):
    folder = make(local(tmp_path))
    journal = Journal(folder)
    (folder.artifacts / "note.txt").write_text("hello")
    journal.append({"artifact": "note.txt"})
    journal.append({"status": "RUNNING"})
    journal.close()
    log(folder, 0, STEPS)
    delivery = courier.Delivery(folder)
    assert not courier.delivered(folder)
    delivery.advance()
    run_id = folder.delivery()["run_id"]
    client = mlflow_server.client(local(tmp_path))
    run = client.get_run(run_id)
    assert run.info.status == "RUNNING"
    assert run.data.params == {"rate": "0.5", "seed": "3", "backend": "tensorflow"}
    assert (run.data.tags["lab.run"], run.data.tags["lab.keras"]) == (folder.name, "3")
    assert [file.path for file in client.list_artifacts(run_id)] == ["note.txt"]
    assert (tmp_path / "mlruns" / "artifacts" / "toy" / run_id / "artifacts" / "note.txt").read_text() == "hello"
    assert history(local(tmp_path), run_id) == expected(STEPS)

    log(folder, STEPS, 2 * STEPS)
    journal = Journal(folder)
    journal.append({"status": "FAILED", "tags": {"lab.error": "it broke"}})
    journal.close()
    delivery.advance()
    assert history(local(tmp_path), run_id) == expected(2 * STEPS)
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["lab.error"]) == ("FAILED", "it broke")
    assert courier.delivered(folder)


def cut(*arguments, **options):
    raise OSError("the line is cut")


@pytest.mark.slow
def test_the_logged_model_is_one_of_mlflows_keras_flavor(tmp_path, monkeypatch):
    import keras
    import mlflow
    import numpy as np

    folder = make(local(tmp_path))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="tanh")])
    model.save(folder.artifacts / "model.keras")
    journal = Journal(folder)
    journal.append({"model": "model.keras", "step": 7, "requirements": [f"keras=={keras.__version__}"]})
    journal.close()
    delivery = courier.Delivery(folder)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries.KerasFlavor, "save_model", cut)
        with pytest.raises(OSError, match="the line is cut"):
            delivery.advance()
    delivery.advance()
    delivery._send({"model": "model.keras", "step": 7, "requirements": []})  # sent twice, logged once
    uri = f"runs:/{folder.delivery()['run_id']}/model"
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    expected = np.asarray(model(x))
    np.testing.assert_array_equal(np.asarray(mlflow.keras.load_model(uri)(x)), expected)
    np.testing.assert_allclose(mlflow.pyfunc.load_model(uri).predict(x), expected, rtol=1e-6)
    models = mlflow.search_logged_models(output_format="list", experiment_ids=[delivery._experiment()])
    logged, half = sorted(models, key=lambda model: model.creation_timestamp, reverse=True)
    assert (str(logged.status), str(half.status)) == ("READY", "FAILED")
    assert (logged.name, logged.source_run_id) == ("model", folder.delivery()["run_id"])
    by_mlflow = tmp_path / "theirs"
    mlflow.keras.save_model(model, str(by_mlflow), pip_requirements=[f"keras=={keras.__version__}"])
    ours, theirs = (mlflow.models.Model.load(source) for source in (uri, str(by_mlflow)))
    assert ours.flavors["keras"] == theirs.flavors["keras"]
    assert ours.flavors["python_function"]["loader_module"] == theirs.flavors["python_function"]["loader_module"]


@pytest.mark.slow
def test_a_courier_that_died_between_sending_and_remembering_sends_nothing_twice(tmp_path, monkeypatch):
    folder = make(local(tmp_path))
    log(folder, 0, STEPS)
    delivery = courier.Delivery(folder)
    remember = delivery._remember
    monkeypatch.setattr(delivery, "_remember", lambda **what: remember(**what) if not what["offset"] else cut())
    with pytest.raises(OSError, match="the line is cut"):
        delivery.advance()
    run_id = folder.delivery()["run_id"]
    assert history(local(tmp_path), run_id) == expected(STEPS)  # sent, not remembered
    assert folder.delivery()["offset"] == 0
    log(folder, STEPS, STEPS + 10)
    courier.Delivery(folder).advance()
    assert history(local(tmp_path), run_id) == expected(STEPS + 10)
    # Killed before it could note the run's id: the run is found again, not made again.
    (folder.path / "mlflow.json").unlink()
    courier.Delivery(folder).advance()
    assert folder.delivery()["run_id"] == run_id
    assert history(local(tmp_path), run_id) == expected(STEPS + 10)


@pytest.mark.slow
def test_long_curves_are_thinned_the_same_way_by_any_courier(tmp_path):
    folder = make(local(tmp_path), total_steps=6000)
    log(folder, 0, 3001)
    courier.Delivery(folder).advance()
    log(folder, 3001, 6000)
    courier.Delivery(folder).advance()
    steps = [step for step, _ in history(local(tmp_path), folder.delivery()["run_id"])]
    assert steps == list(range(0, 6000, 3))


@pytest.mark.slow
def test_children_are_nested_under_their_parent(tmp_path):
    parent = make(local(tmp_path), seeds=2)
    child = make(local(tmp_path), parent=parent.name)
    courier.Delivery(child).advance()
    tags = mlflow_server.client(local(tmp_path)).get_run(child.delivery()["run_id"]).data.tags
    assert tags["mlflow.parentRunId"] == parent.delivery()["run_id"]


@pytest.mark.long
def test_several_processes_log_to_one_new_store_at_once(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlruns/mlflow.db"  # which is not there yet
    folders = [make(uri) for _ in range(4)]
    for folder in folders:
        log(folder, 0, STEPS)
        with Journal(folder)._file as file:
            file.write(json.dumps({"status": "FINISHED", "time": 1}).encode() + b"\n")
    couriers = [courier.start_courier(folder) for folder in folders]
    assert [courier.wait(timeout=120) for courier in couriers] == [0] * 4
    for folder in folders:
        assert history(local(tmp_path), folder.delivery()["run_id"]) == expected(STEPS)


class Server:
    """An MLflow server on its own port. Its store survives it."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self):
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        command += ["--artifacts-destination", str(self.folder / "artifacts"), "--host", "127.0.0.1"]
        log = open(self.folder / "log", "ab")  # noqa: SIM115
        command += ["--port", str(self.port), "--workers", "1"]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            time.sleep(0.1)
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1)
                return
            except OSError:
                pass
        raise TimeoutError((self.folder / "log").read_text()[-2000:])

    def stop(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()


@pytest.mark.long
def test_a_server_that_goes_away_and_comes_back_gets_everything_once(tmp_path):
    tracked = Server(tmp_path / "server")
    runs = ended, living = make(tracked.uri), make(tracked.uri)
    with living.lock("writer"):
        with ended.lock("writer"):
            for folder in runs:
                log(folder, 0, 20)
            couriers = [courier.start_courier(folder) for folder in runs]  # the server is not there yet
            tracked.start()
            for folder in runs:
                wait_until(lambda folder=folder: folder.delivery().get("offset", 0) >= folder.events()[1])
            tracked.stop()
            for folder in runs:
                log(folder, 20, 40)
            finish(ended)
        assert couriers[0].wait(timeout=120) == 0  # it gives up
        assert courier.sync()[ended.name] is not None
        assert couriers[1].poll() is None
        tracked.start()
        log(living, 40, STEPS)
        finish(living)
    assert couriers[1].wait(timeout=120) == 0
    assert courier.sync() == {ended.name: None}
    assert courier.sync() == {}
    for folder, steps in zip(runs, (40, STEPS), strict=True):
        run_id = folder.delivery()["run_id"]
        assert history(tracked.uri, run_id) == expected(steps)
        assert mlflow_server.client(tracked.uri).get_run(run_id).info.status == "FINISHED"
    tracked.stop()


@pytest.mark.slow
@pytest.mark.parametrize(("error", "goes_on"), [(None, True), (OSError("no answer"), False)])
def test_a_courier_gives_up_where_nothing_is_delivered_and_not_where_it_is_slow(tmp_path, monkeypatch, error, goes_on):
    folder, done = make(local(tmp_path)), []

    def attempts(folder):
        for number in range(50):
            done.append(number)
            yield error

    monkeypatch.setattr(courier, "_attempts", attempts)
    monkeypatch.setattr(courier.os, "nice", lambda increment: None)
    courier._courier(folder.path, poll=0.001, patience=0.0)
    assert (len(done) == 50) == goes_on


def test_a_child_that_has_not_begun_is_not_over_while_its_parent_lives(tmp_path):
    """On a cluster seconds pass from the making of a child to its first event."""
    uri = local(tmp_path)
    parent = make(uri)
    between, child = make(uri, parent=parent.name), make(uri, parent=parent.name)
    lost = make(uri, parent=between.name)
    with parent.lock("writer"):
        attempts, of_lost = courier._attempts(child), courier._attempts(lost)
        assert [next(attempts), next(attempts), next(of_lost)] == [None, None, None]
        finish(child)
        assert next(attempts, "over") == "over"
    assert courier.delivered(child) and next(of_lost, "over") == "over"
    status = [mlflow_server.client(uri).get_run(each.delivery()["run_id"]).info.status for each in (child, lost)]
    assert status == ["FINISHED", "KILLED"]


def test_sync_leaves_a_child_that_has_not_begun_of_a_living_run(tmp_path):
    uri = local(tmp_path)
    parent = make(uri)
    child = make(uri, parent=parent.name)
    with parent.lock("writer"):
        courier.sync()
        assert mlflow_server.client(uri).get_run(child.delivery()["run_id"]).info.status == "RUNNING"


@pytest.mark.parametrize("parent", ["gone", "itself"])
def test_runs_without_a_parent_on_the_disk_have_no_living_ancestor(parent):
    folder = make("none")
    header = folder.header() | {"parent": folder.name if parent == "itself" else parent}
    write_json(folder.path / "run.json", {key: value for key, value in header.items() if key != "checksum"})
    with folder.lock("writer"):
        assert not folder.has_living_ancestor()


def finish(folder):
    journal = Journal(folder)
    journal.append({"status": "FINISHED"})
    journal.close()


def wait_until(condition, patience=90):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.mark.parametrize(("asked", "jobs"), [(None, "false"), ("true", "true")])
def test_the_ui_runs_no_jobs_unless_asked_to(monkeypatch, asked, jobs):
    called = []
    monkeypatch.delenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", raising=False)
    if asked:
        monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", asked)
    monkeypatch.setattr(mlflow_server, "client", lambda uri: None)
    monkeypatch.setattr(mlflow_ui, "serve", lambda command, env: called.append((command, env)) or 0)
    assert mlflow_ui.ui(5123, "sqlite:///x.db") == 0
    ((command, environment),) = called
    assert command[command.index("--port") + 1] == "5123"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == jobs


@pytest.mark.parametrize("uri", ["htp://x", "mlruns", "ftp://h"])
def test_a_uri_that_cannot_be(uri):
    with pytest.raises(ValueError, match=f"tracking URI: expected one of sqlite:.*received '{uri}'"):
        mlflow_server.resolve_uri(uri)


def test_the_uri_is_absolute_and_the_environment_counts(tmp_path, monkeypatch):
    assert mlflow_server.resolve_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert mlflow_server.resolve_uri() == "http://127.0.0.1:1"
    assert mlflow_server.resolve_uri("none") == "none"
