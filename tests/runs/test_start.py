"""Runs of scripts and notebooks: `lab.runs.start` and `lab.runs.experiment.run`."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import lab.runs
from lab.runs import experiment, keras_settings, mlflow_server, opening
from lab.runs.run_folder import RunFolder
from tests.processes import folders


@dataclasses.dataclass(frozen=True)
class Config:
    """A toy's."""

    rate: float = 0.5
    steps: int = 3


@pytest.fixture(autouse=True)
def same_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())


def test_a_script_needs_not_finish_its_run(own_home, capsys):
    with lab.runs.start("mine", {"rate": 0.1}, seed=3, total_steps=9, tracking_uri="none") as run:
        assert run.seed == 3
        run.log({"loss": 0.5}, 1)
        run.tag("colour", "blue")
        run.say("hello")
    (folder,) = folders(own_home)
    assert (folder.status(), folder.results(), folder.metrics()) == ("FINISHED", {}, {"loss": [(1, 0.5)]})
    assert (folder.artifacts / "metrics.csv").read_text() == "key,step,value\nloss,1,0.5\n"
    header = folder.header()
    assert (header["config"], header["kind"], header["total_steps"]) == ({"rate": 0.1}, "single", 9)
    assert "hello" in capsys.readouterr().out


def test_a_script_that_finishes_its_run_does_so_once(own_home, capsys):
    with lab.runs.start("mine", Config(), tracking_uri="none") as run:
        run.finish({"loss": 0.25})
    (folder,) = folders(own_home)
    assert folder.results() == {"loss": 0.25}
    assert len(list(folder.read(key="results"))) == 1
    assert folder.header()["config"] == {"rate": 0.5, "steps": 3}
    assert "loss 0.25" in capsys.readouterr().out.splitlines()


def test_a_script_that_fails_has_no_results(own_home):
    with pytest.raises(ArithmeticError), lab.runs.start("mine", tracking_uri="none"):
        raise ArithmeticError
    (folder,) = folders(own_home)
    assert (folder.status(), folder.results()) == ("FAILED", None)
    assert not (folder.artifacts / "metrics.csv").exists()


def test_a_script_saves_and_restores(own_home):
    variable = keras.Variable(np.zeros(2, "float32"))
    with lab.runs.start("mine", {}, tracking_uri="none") as run:
        assert run.restore([variable]) == 0
        variable.assign([1.0, 2.0])
        run.checkpoint([variable], 5)
        variable.assign([7.0, 7.0])
        assert run.restore([variable]) == 5
    assert np.asarray(variable).tolist() == [1.0, 2.0]


def test_settings_of_numpy_are_kept_as_numbers(own_home):
    settings = {"rate": np.float32(0.5), "sizes": np.array([1, 2]), "pair": (1, None), "deep": {"a": np.int64(3)}}
    with lab.runs.start("mine", settings, tracking_uri="none"):
        pass
    assert folders(own_home)[0].header()["config"] == {"rate": 0.5, "sizes": [1, 2], "pair": [1, None], "deep": {"a": 3}}


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("../x", {}, "name: expected up to 100 letters, digits, '_', '-' and '.', received '../x'"),
        (3, {}, "name: expected up to 100 letters"),
        ("mine", [1], r"settings: expected a dict with names as keys, or a dataclass object, received \[1\]"),
        ("mine", {1: 2}, "settings: expected a dict with names as keys"),
        ("mine", Config, "settings: expected a dict with names as keys"),
        ("mine", {"f": object()}, "settings: expected text, numbers, lists and dicts, received {'f': <object"),
    ],
)
def test_bad_arguments_leave_nothing(own_home, name, settings, words):
    with pytest.raises(ValueError, match=words), lab.runs.start(name, settings, tracking_uri="none"):
        pass
    assert not folders(own_home)


def test_the_old_name_works_with_a_warning(own_home):
    with pytest.warns(DeprecationWarning, match=r"lab.runs.experiment.tracked: its name is start now"):
        tracked = experiment.tracked
    assert tracked is experiment.start is lab.runs.start


def test_the_first_line_comes_before_everything(own_home, capsys):
    with lab.runs.start("mine", {}, tracking_uri="none") as run:
        out = capsys.readouterr().out
    name, backend = run.folder.name, keras.backend.backend()
    assert out == f"run {name}   {backend} on CPU   store: only the run's folder\n"


def test_the_first_line_of_an_experiment_comes_before_the_import_of_keras(own_home, monkeypatch, capsys):
    said = []
    monkeypatch.setattr(keras_settings, "import_keras", lambda: said.append(capsys.readouterr().out))
    experiment.run(Config(), toy, tracking_uri="none")
    assert said[0].startswith("run test_start-seed0-")


def test_a_run_that_cannot_begin_leaves_nothing(own_home, monkeypatch):
    def broken():
        raise ValueError("Keras: expected one that can be imported")

    monkeypatch.setattr(keras_settings, "import_keras", broken)
    with pytest.raises(ValueError, match="Keras: expected"):
        experiment.run(Config(), toy, tracking_uri="none")
    assert not folders(own_home)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("none", "only the run's folder"),
        ("sqlite:////a/b.db", "/a/b.db"),
        ("http://me:secret@h:5000", "http://h:5000"),
        ("postgresql://me@h/db", "postgresql://me@h/db"),
    ],
)
def test_a_store_is_shown_without_its_password(uri, shown):
    assert opening.shown_store(uri) == shown


def toy(config, track):
    track.log({"loss": config.rate}, 1)
    return {"r": 2 * config.rate}


def test_an_experiment_runs_with_a_configuration(own_home):
    assert experiment.run(Config(rate=0.25), toy, seed=7, tracking_uri="none") == {"r": 0.5}
    (folder,) = folders(own_home)
    header = folder.header()
    assert (folder.status(), folder.results(), header["seed"]) == ("FINISHED", {"r": 0.5}, 7)
    assert (header["experiment"], header["module"]) == ("test_start", "tests.runs.test_start")
    assert header["command"] == ["python", "-m", "tests.runs.test_start", "--rate", "0.25"]
    assert not header["options"]["smoke"]
    assert lab.runs.run is experiment.run


def test_errors_of_an_experiment_are_exceptions(own_home):
    def broken(config, track):
        raise ZeroDivisionError("it broke")

    with pytest.raises(ZeroDivisionError, match="it broke"):
        experiment.run(Config(), broken, tracking_uri="none")
    (folder,) = folders(own_home)
    assert folder.status() == "FAILED"
    assert folder.events()[0][-1]["tags"]["lab.error"] == "ZeroDivisionError: it broke"
    with pytest.raises(ValueError, match=r"config: expected an object of the experiment's Config, received \{\}"):
        experiment.run({}, toy)
    with pytest.raises(ValueError, match="config: expected an object"):
        experiment.run(Config, toy)
    with pytest.raises(ValueError, match="seed: expected a number >= 0"):
        experiment.run(Config(), toy, seed=-1)
    assert len(folders(own_home)) == 1


__doc__ += "\nExpected: r >= 1\n"


@pytest.mark.parametrize(
    ("config", "smoke", "compared"), [(Config(), False, True), (Config(rate=0.6), False, False), (Config(), True, False)]
)
def test_only_the_default_settings_are_compared(own_home, capsys, config, smoke, compared):
    experiment.run(config, toy, smoke=smoke, tracking_uri="none")
    assert ("expected >= 1: reached" in capsys.readouterr().out) == compared
    assert folders(own_home)[0].header()["options"]["smoke"] == smoke


def test_a_smoke_run_without_settings_of_its_own_is_not_compared(own_home, capsys):
    small = experiment.Experiment.of(Config, toy, {}, None, None)
    for flags, compared in (([], True), (["--smoke"], False)):
        asked, folder = experiment._prepare(small, ["--tracking-uri", "none", *flags])
        experiment._start(small, asked, folder)
        assert ("expected >= 1: reached" in capsys.readouterr().out) == compared


@pytest.mark.slow
def test_an_experiment_of_this_checkout_runs_in_a_notebook(own_home):
    from experiments.dp_gambler import Config as Gambler
    from experiments.dp_gambler import run

    assert experiment.run(Gambler(), run, tracking_uri="none")["value_of_50"] == pytest.approx(0.4)
    (folder,) = folders(own_home)
    assert folder.header()["module"] == "experiments.dp_gambler"


@pytest.mark.slow
def test_where_a_run_can_be_seen(own_home, capsys):
    from tests.runs.test_courier import local

    uri = local(own_home)
    with lab.runs.start("mine", {}, tracking_uri=uri) as run:
        run.log({"loss": 1.0}, 1)
    there = RunFolder(run.folder.path).delivery()
    page = f"http://127.0.0.1:5000/#/experiments/{there['experiment_id']}/runs/{there['run_id']}?workflowType=machine_learning"
    assert capsys.readouterr().out.splitlines()[-1] == f"to see it: python -m lab ui, then {page}"
    assert json.loads((run.folder.path / "mlflow.json").read_text())["experiment_id"] == there["experiment_id"]
    tags = mlflow_server.client(uri).get_run(there["run_id"]).data.tags
    assert (tags["kind"], tags["smoke"], "algorithm" in tags) == ("single", "false", False)
