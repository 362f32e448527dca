"""The commands over runs, with good input. For bad input see test_bad_input.py."""

import json
import os
import subprocess
import sys

import keras
import pytest

from lab import __main__ as commands
from lab.runs import courier
from lab.runs.journal import Journal
from tests.processes import ROOT
from tests.runs.test_courier import local, make


@pytest.fixture(autouse=True)
def same_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())


CALLS = "if False:\n    experiment.main()\n"


def test_resume_becomes_the_run(own_home):
    (own_home / "itself.py").write_text("import os, sys; print(os.getpid(), *sys.argv[1:])\n" + CALLS)
    folder = make("none", module="itself")
    command = [sys.executable, "-m", "lab", "resume", folder.name, "--steps", "3"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(own_home)}, stdout=subprocess.PIPE, text=True
    )
    output, _ = process.communicate(timeout=60)
    assert output.split() == [str(process.pid), "--resume", folder.name, "--steps", "3"]


def test_resume_finds_a_script_too(own_home):
    script = own_home / "it.py"
    script.write_text("import sys; print(*sys.argv[1:])\n" + CALLS)
    folder = make("none", module=str(script))
    done = subprocess.run([sys.executable, "-m", "lab", "resume", folder.name], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["--resume", folder.name]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("http.server", "module: expected an experiment, which calls experiment.main, received 'http.server' in "),
        ("nowhere.toy", f"module: expected an experiment that can be found from {os.getcwd()}, received 'nowhere.toy'"),
        ("a..b", "module: expected an experiment that can be found"),
        ("", "run id: expected a run of an experiment, received "),
    ],
)
def test_what_is_no_experiment_is_not_started(monkeypatch, capsys, module, words):
    monkeypatch.setattr(os, "execv", lambda *a: pytest.fail("started"))
    assert fails(capsys, "resume", make("none", module=module).name).startswith(words)


def test_nothing_of_a_package_is_imported_to_look_for_an_experiment(own_home, monkeypatch, capsys):
    monkeypatch.syspath_prepend(own_home)
    (own_home / "theirs").mkdir()
    (own_home / "theirs" / "__init__.py").write_text("raise SystemError")
    (own_home / "theirs" / "toy.py").write_text("import antigravity")
    line = fails(capsys, "resume", make("none", module="theirs.toy").name)
    assert line.startswith("module: expected an experiment, which calls experiment.main, received 'theirs.toy' in ")


@pytest.mark.parametrize("name", ["envs", "experiments"])
def test_a_folder_of_the_users_that_hides_ours_is_named(own_home, monkeypatch, name):
    from lab.agents import environments
    from lab.runs import origin, paths

    paths.require_ours("envs", "experiments")
    (own_home / name).mkdir()
    (own_home / name / "__init__.py").touch()  # without it Python prefers ours
    monkeypatch.syspath_prepend(own_home)
    monkeypatch.delitem(sys.modules, name, raising=False)
    expected = f"{name}: expected the laboratory's package in {ROOT / name}, received {own_home / name}, which hides it"
    with pytest.raises(ValueError, match=expected):
        environments.register("lab/CartPole-v1") if name == "envs" else origin.require_experiment("experiments.dqn_cartpole")


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_needs_no_run(capsys, name):
    try:
        code = commands.main([name, "--help"])
    except SystemExit as stop:
        code = stop.code
    assert code == 0
    assert f"python -m lab {'<command>' if name == 'resume' else name}" in capsys.readouterr().out


def fails(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        commands.main(argv)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_window_where_there_is_no_screen(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    assert fails(capsys, "watch", "any", "--window") == (
        "--window: expected a screen ($DISPLAY), received none; leave the flag out for a GIF"
    )
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert fails(capsys, "watch", "any", "--window").startswith("--window: expected a screen")
    monkeypatch.setenv("SDL_VIDEODRIVER", "none of them")
    folder = make("none", config={"environment": "CartPole-v1"})
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder.artifacts / "model.keras")
    line = fails(capsys, "watch", folder.name, "--window")
    assert line.startswith("run id: expected an environment that can be shown here, received 'CartPole-v1': error: ")


def test_a_run_without_an_environment_is_watched_on_one_that_is_named(own_home, capsys):
    folder = make("none", config={})
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder.artifacts / "model.keras")
    line = fails(capsys, "watch", folder.name)
    assert line == f"run id: expected a run with the setting environment, received {folder.name}; name one with --environment"
    output = str(own_home / "w.gif")
    line = fails(capsys, "watch", folder.name, "--environment", "nowhere_to_be_found:Toy-v0", "--output", output)
    assert line.startswith("--environment: expected a package that can be imported for Toy-v0, received ModuleNotFoundError")
    assert commands.main(["watch", folder.name, "--environment", "CartPole-v1", "--output", output]) == 0
    assert (own_home / "w.gif").read_bytes()[:4] == b"GIF8"


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
    courier.Delivery(folder).advance()
    run_id = folder.delivery()["run_id"]
    capsys.readouterr()
    line = fails(capsys, "sample", "nobody", "--tracking-uri", uri)
    assert line.startswith("run id: expected the MLflow id of a run that has logged its model, received 'nobody': ")
    assert commands.main(["sample", run_id, "--tracking-uri", uri, "--count", "4", "--output", str(picture)]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
