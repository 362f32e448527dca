"""The commands over runs, beside those whose input is bad."""

import json
import os
import subprocess
import sys

import keras
import pytest

from lab import __main__ as commands
from lab import tracking
from lab.journal import Journal
from tests.processes import ROOT
from tests.test_tracking import local, make


@pytest.fixture(autouse=True)
def same_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())


def test_resume_becomes_the_run(own_home):
    (own_home / "itself.py").write_text("import os, sys; print(os.getpid(), *sys.argv[1:])")
    folder = make("none", module="itself")
    command = [sys.executable, "-m", "lab", "resume", folder.name, "--steps", "3"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(own_home)}, stdout=subprocess.PIPE, text=True
    )
    output, _ = process.communicate(timeout=60)
    assert output.split() == [str(process.pid), "--resume", folder.name, "--steps", "3"]


def fails(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        commands.main(argv)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_window_where_there_is_no_screen(monkeypatch, capsys):
    monkeypatch.setenv("SDL_VIDEODRIVER", "none of them")
    folder = make("none", config={"environment": "CartPole-v1"})
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder.artifacts / "model.keras")
    line = fails(capsys, "watch", folder.name, "--window")
    assert line.startswith("run id: expected an environment that can be shown here, received 'CartPole-v1': error: ")


@pytest.mark.slow
def test_a_store_that_cannot_be_opened(capsys):
    line = fails(capsys, "ui", "--tracking-uri", "sqlite:////proc/nowhere/x.db")
    assert line.startswith("tracking URI: expected a store that can be opened, received 'sqlite:////proc/nowhere/x.db': ")


@pytest.mark.slow
def test_samples_of_an_infogan_from_a_server(tmp_path, capsys):
    uri, picture = local(tmp_path), tmp_path / "p.png"
    folder = make(uri, config={"noise": 3, "categories": 2, "continuous": 1})
    keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)]).save(folder.artifacts / "model.keras")
    (folder.artifacts / "config.json").write_text(json.dumps({"config": folder.header()["config"]}))
    journal = Journal(folder)
    journal.append({"artifact": "config.json"})
    journal.append({"model": "model.keras", "step": 7, "requirements": []})
    journal.close()
    tracking.Delivery(folder).advance()
    run_id = folder.delivery()["run_id"]
    capsys.readouterr()
    line = fails(capsys, "sample", "nobody", "--tracking-uri", uri)
    assert line.startswith("run id: expected the MLflow id of a run that has logged its model, received 'nobody': ")
    assert commands.main(["sample", run_id, "--tracking-uri", uri, "--count", "4", "--output", str(picture)]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
