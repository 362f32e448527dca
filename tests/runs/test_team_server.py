"""The server of docs/team.md: users with passwords, whole runs, no password in a file."""

import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import team_server
from tests.processes import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not importlib.util.find_spec("flask_wtf"), reason="needs Flask-WTF: pip install '.[team]'"),
]
ADMIN, ADA = team_server.ADMIN, "ada-likes-long-ones"
RUN = """
import keras
import lab.runs
with lab.runs.start("toy", {"rate": 0.1}, seed=1, total_steps=3) as run:
    for step in (1, 2, 3):
        run.log({"loss": 1 / step}, step)
    (run.artifacts / "note.txt").write_text("hello")
    run.artifact("note.txt")
    run.model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    run.finish({"final": 0.25})
print(run.folder.path)
"""
SEEN = """
import mlflow
(run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
client = mlflow.MlflowClient()
print(run.info.status, run.data.metrics["final"], [p.value for p in client.get_metric_history(run.info.run_id, "loss")])
print(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt"))
print(mlflow.keras.load_model(f"runs:/{run.info.run_id}/model").output_shape)
"""


def run(code, home, user=None, password=None, uri=None, **more):
    """Runs Python code, or words of `python -m`, as a user."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_TRACKING")}
    environment |= {"LAB_HOME": str(home), "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"} | more
    if user:
        environment |= {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
    if uri:
        environment["MLFLOW_TRACKING_URI"] = uri
    words = ["-c", code] if isinstance(code, str) else ["-m", *code]
    return subprocess.run([sys.executable, *words], cwd=home, env=environment, capture_output=True, text=True)


def files_with(text, folder):
    return [path for path in Path(folder).rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def processes_with(text):
    lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return [line for line in lines if text.encode() in line]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_team_works_with_it(kind, tmp_path):
    with contextlib.ExitStack() as stack:
        store, server = "", tmp_path / "team"
        if kind == "postgresql":
            try:
                store = stack.enter_context(team_server.postgresql())
            except team_server.Missing as reason:
                pytest.skip(str(reason))
        uri = stack.enter_context(team_server.team(server, store))
        page = f"{uri}/api/2.0/mlflow/experiments/search?max_results=1"
        assert team_server.answer(page) == 401
        assert team_server.answer(f"{uri}/api/2.0/mlflow-artifacts/artifacts") == 401
        assert team_server.answer(page, host="elsewhere.example") == 403
        script = ["sh", team_server.SCRIPT.with_name("team_user.sh"), "ada"]
        words = os.environ | {"PYTHON": sys.executable, "MLFLOW_TRACKING_URI": uri, "TEAM_USER_PASSWORD": ADA}
        words |= {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": ADMIN}
        for said in ("ada added\n", "ada has a new password\n"):
            assert subprocess.run(script, env=words, capture_output=True, text=True).stdout == said

        home = tmp_path / "home"
        home.mkdir()
        refused = run(RUN, home, uri=uri)
        assert refused.returncode == 0, refused.stderr  # the run itself needs no server
        assert "the tracking server did not take everything" in refused.stdout
        synced = run(["lab", "sync"], home)
        assert synced.returncode == 1
        (line,) = synced.stdout.splitlines()
        assert "401" in line and "(passwords are not kept: give it again in $MLFLOW_TRACKING_URI" in line
        assert "401" in run(["lab", "sync"], home, "ada", "a-wrong-password").stdout

        synced = run(["lab", "sync"], home, "ada", ADA)
        assert synced.stdout.endswith(": delivered\n"), synced.stdout
        seen = run(SEEN, home, "ada", ADA, uri)
        assert seen.stdout.splitlines() == ["FINISHED 0.25 [1.0, 0.5, 0.3333333333333333]", "hello", "(None, 1)"], (
            seen.returncode,
            seen.stderr,
        )
        assert run(SEEN, home, uri=uri).returncode != 0

        for secret in (ADMIN, ADA, team_server.DATABASE):
            assert not files_with(secret, home), secret
            assert not files_with(secret, server), secret
            assert not processes_with(secret), secret
        assert [oct(path.stat().st_mode & 0o77) for path in server.iterdir()] == ["0o0"] * len(list(server.iterdir()))
        assert (server / "mlflow.db").exists() == (kind == "sqlite")
        assert "Job executor" not in server.with_suffix(".log").read_text()  # eight processes that nobody needs
        assert list((server / "artifacts").rglob("note.txt"))


def test_a_run_is_delivered_while_it_runs_and_the_server_starts_again(tmp_path):
    home, server = tmp_path / "home", tmp_path / "team"
    home.mkdir()
    with team_server.team(server) as uri:
        done = run(RUN, home, "admin", ADMIN, uri)
        assert "did not take everything" not in done.stdout, done.stdout
    with team_server.team(server) as uri:  # the same users, the same runs
        assert run(SEEN, home, "admin", ADMIN, uri).stdout.startswith("FINISHED 0.25")


def test_without_a_password_it_does_not_start(tmp_path):
    settings = {"PYTHON": sys.executable, "TEAM_FOLDER": str(tmp_path / "team")}
    words = ["sh", team_server.SCRIPT]
    done = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "MLFLOW_AUTH_ADMIN_PASSWORD: expected a password at the first start, received none\n"
    assert not (tmp_path / "team").exists()
    settings |= {"PYTHON": "/bin/false", "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN}
    done = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True)
    assert done.stderr == "PYTHON: expected one with Flask-WTF, received /bin/false without; pip install '.[team]'\n"
    assert not (tmp_path / "team").exists()
