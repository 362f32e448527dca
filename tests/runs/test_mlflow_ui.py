"""The MLflow UI: its addresses, its server, and the choices that its page begins with."""

import importlib.metadata
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from lab import __main__ as commands
from lab.runs import mlflow_app, mlflow_server, mlflow_ui
from lab.runs.files import write_json
from tests.processes import ROOT
from tests.runs.test_courier import make

VIEW = "?workflowType=machine_learning"


@pytest.mark.parametrize(
    ("uri", "base"),
    [
        ("sqlite:////a/b.db", "http://127.0.0.1:5000"),
        ("postgresql://me@h/db", "http://127.0.0.1:5000"),
        ("http://h:5001/mlflow/", "http://h:5001/mlflow"),
        ("https://me:secret@h", "https://h"),
    ],
)
def test_a_run_is_shown_where_its_store_is(uri, base):
    assert mlflow_ui.base(uri) == base
    assert mlflow_ui.page(base, "1", "abc") == f"{base}/#/experiments/1/runs/abc{VIEW}"
    assert mlflow_ui.page(base) == mlflow_ui.page(base, None, "abc") == f"{base}/#/experiments{VIEW}"


def delivered(uri, run_id, **changes):
    folder = make(uri, **changes)
    write_json(folder.path / "mlflow.json", {"run_id": run_id, "experiment_id": "4", "uri": uri, "offset": 0})
    return folder


@pytest.fixture
def called(monkeypatch):
    """[(command, environment)] of the servers that were started."""
    found = []
    monkeypatch.setattr(mlflow_server, "client", lambda uri: None)
    monkeypatch.setattr(mlflow_ui, "serve", lambda command, env: found.append((command, env)) or 0)
    return found


def test_the_ui_names_the_newest_run_of_its_store(called, capsys):
    uri = "sqlite:///x.db"
    delivered(uri, "old")
    newest = delivered(uri, "new")
    delivered(uri, "child", parent=newest.name)
    delivered("sqlite:///y.db", "other")
    make(uri)  # not delivered yet
    (make(uri).path / "mlflow.json").write_text("{")
    assert mlflow_ui.ui(5123, uri) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"MLflow UI: http://127.0.0.1:5123/#/experiments{VIEW}   (Ctrl-C to stop)"
    assert second == f"{newest.name}: http://127.0.0.1:5123/#/experiments/4/runs/new{VIEW}"


def test_without_runs_there_is_one_line(called, capsys):
    assert mlflow_ui.ui(5123, "sqlite:///x.db") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_run_can_be_asked_for(called, capsys):
    uri = "sqlite:///x.db"
    wanted, _newer = delivered(uri, "wanted"), delivered("sqlite:///y.db", "newer")
    assert commands.main(["ui", wanted.name, "--port", "5999"]) == 0
    assert f"{wanted.name}: http://127.0.0.1:" in capsys.readouterr().out
    ((_, environment),) = called
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri  # the store that has the run
    lost = make(uri)
    with pytest.raises(SystemExit) as stop:
        commands.main(["ui", lost.name])
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f"run id: expected a run that MLflow has, received {lost.name}; deliver it: python -m lab sync\n"
    )


def test_the_server_sends_no_usage_data_and_uses_our_page_where_it_is_installed(called, monkeypatch):
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    point = importlib.metadata.EntryPoint(mlflow_ui.APP, "lab.runs.mlflow_app:create_app", "mlflow.app")
    for points, ours in (((), False), ((point,), True)):
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group, points=points: points)
        mlflow_ui.ui(5123, "sqlite:///x.db")
        command, environment = called[-1]
        assert (environment["MLFLOW_DISABLE_TELEMETRY"], environment["DO_NOT_TRACK"]) == ("true", "true")
        assert (command[-2:] == ["--app-name", "keras-rl-gan-lab"]) == ours
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    mlflow_ui.ui(5123, "sqlite:///x.db")
    assert called[-1][1]["MLFLOW_DISABLE_TELEMETRY"] == "false"  # what a person sets counts


def test_the_package_names_the_application():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mlflow.app"]
    assert points == {mlflow_ui.APP: "lab.runs.mlflow_app:create_app"}


def test_the_page_begins_with_our_choices():
    page = mlflow_app.with_choices("<html><head><title>MLflow</title></head><head></html>")
    assert page.startswith("<html><head><script>") and page.count("<script>") == 1
    assert '"mlflow.workflowType_v1": "machine_learning"' in page
    assert page.index("</script>") < page.index("<title>")


@pytest.mark.slow
def test_mlflow_serves_the_page_with_our_choices_and_the_rest_as_it_is(tmp_path):
    """In a process of its own, for the application belongs to the process."""
    code = """
from lab.runs.mlflow_app import create_app
assert create_app().title
from mlflow.server import app
client = app.test_client()
page = client.get("/")
assert page.status_code == 200 and "mlflow.workflowType_v1" in page.text and 'id="root"' in page.text, page.text[:500]
assert "no-store" in page.headers["cache-control"]
kept = {"If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT", "If-None-Match": page.headers["etag"]}
again = client.get("/", headers=kept)
assert again.status_code == 200 and "mlflow.workflowType_v1" in again.text
assert client.get("/version").text.count(".") == 2
other = client.get("/static-files/manifest.json")
assert "no-store" not in other.headers["cache-control"] and "mlflow.workflowType_v1" not in other.text
"""
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path}/x.db"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_choices_are_keys_of_this_mlflow():
    """MLflow may rename them. Then the page would begin with MLflow's own choices."""
    import mlflow

    scripts = Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js"
    text = "".join(path.read_text(errors="ignore") for path in scripts.glob("*.js"))
    keys = [key.rpartition("_v")[0] for key in mlflow_app.CHOICES]
    assert not [key for key in keys if f'"{key}"' not in text]
    assert '"workflowType"' in text and '"machine_learning"' in text


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_ends_the_server_too(tmp_path):
    """The program below serves by a process that writes its id and sleeps."""
    child = f"import os, pathlib, time; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    program = "import os, sys\nfrom lab.runs import mlflow_ui\n"
    program += f"sys.exit(mlflow_ui.serve([sys.executable, '-c', {child!r}], dict(os.environ)))"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    end = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
