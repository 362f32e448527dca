"""A run that is killed and resumed ends bit for bit like one that is left alone."""

import os
import subprocess
import sys
import time

import keras
import pytest

from benchmarks.attack_kills import differences, state
from lab.agents.tabular.table import Weights
from lab.runs import checkpoint
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.backends import only
from tests.killed import COMMON, GLYPHS, RING, SETTINGS, Run
from tests.processes import ROOT, folders, run

PPO = ["--steps", "6144", "--checkpoint-every", "1024", *COMMON]
DIGITS = ["--model", "lenet5", "--epochs", "2", "--folds", "3", "--checkpoint-every", "500", "--tracking-uri", "none"]
FORECAST = ["--cell", "simple", "--units", "8", "--samples", "600", "--test-samples", "150", "--epochs", "20"]
FORECAST += ["--checkpoint-every", "1000", "--tracking-uri", "none"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "settings", "place", "kills"),
    [
        pytest.param("dqn_cartpole", SETTINGS, "host", 3, marks=only("jax")),
        pytest.param("dqn_cartpole", SETTINGS, "device", 1, marks=only("tensorflow")),
        pytest.param("ppo_cartpole", PPO, "host", 1, marks=only("tensorflow")),
    ],
)
def test_killed_and_resumed(tmp_path, experiment, settings, place, kills):
    options = {"arguments": ["--device"] if place == "device" else [], "experiment": experiment, "settings": settings}
    alone, disturbed = (Run(tmp_path / name, keras.backend.backend(), 5, **options) for name in ("alone", "disturbed"))
    alone.start()
    alone.finish()
    if kills == 3:
        disturbed.start()
        assert disturbed.kill_before_first_checkpoint()
        disturbed.start()
        disturbed.kill_during_write()
    disturbed.start()
    seen = disturbed.checkpoints()
    assert disturbed.wait_for(lambda: len(set(disturbed.checkpoints()) - set(seen)) >= 2)
    disturbed.kill()
    disturbed.start()
    disturbed.finish()
    assert differences(alone.state(), disturbed.state()) == []


def step_of(checkpoint):
    return int("".join(filter(str.isdigit, checkpoint)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "settings"),
    [
        pytest.param("gan_ring", RING, marks=only("jax")),
        pytest.param("conditional_gan_glyphs", GLYPHS, marks=only("tensorflow")),
        pytest.param("forecast_mackey_glass", FORECAST, marks=only("jax")),
        pytest.param("classifier_digits", DIGITS, marks=only("tensorflow")),
    ],
)
def test_a_run_killed_while_it_saved_and_resumed(tmp_path, experiment, settings):
    options = {"experiment": experiment, "settings": settings}
    alone, disturbed = (Run(tmp_path / name, keras.backend.backend(), 5, **options) for name in ("alone", "disturbed"))
    alone.start()
    alone.finish()
    disturbed.start()
    least = 2_400 if experiment == "classifier_digits" else 0  # in the second of its folds, of 2,368 images each
    assert disturbed.wait_for(lambda: len([name for name in disturbed.checkpoints() if step_of(name) > least]) >= 2)
    disturbed.kill_during_write()
    assert disturbed.folder().status() == "KILLED"
    disturbed.start()
    disturbed.finish()
    assert differences(alone.state(), disturbed.state()) == []
    assert alone.state().keys() >= ({"training.gif"} if "gan" in experiment else set())


@pytest.mark.slow
@only("jax")  # tables are NumPy's
def test_a_tabular_run_killed_and_resumed(tmp_path):
    command = ["experiments.q_learning_taxi", "--tracking-uri", "none", "--steps", "60000", "--checkpoint-every", "5000"]
    states = []
    for name in ("alone", "disturbed"):
        home = {"LAB_HOME": str(tmp_path / name)}
        if name == "alone":
            assert run(*command, **home).returncode == 0
        else:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | home, stdout=subprocess.DEVNULL
            )
            while len(list((tmp_path / name).rglob("step-*.safetensors"))) < 2:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
            process.wait()
            (folder,) = folders(tmp_path / name)
            assert folder.results() is None or not folder.results()
            done = run(*command, "--resume", folder.name, **home)
            assert done.returncode == 0, done.stderr
            assert "resuming at step" in done.stdout
        (folder,) = folders(tmp_path / name)
        states.append(state(folder))
    assert differences(*states) == []


def test_the_comparison_can_fail(own_home):
    header = {"experiment": "toy", "seed": 0, "options": {"checkpoint_every": 1}, "total_steps": 1, "digest": "d", "config": {}}
    states = []
    for weight, loss, speed, result, picture in (
        (1, 1, 1, 1, b"1"),
        (2, 1, 1, 1, b"1"),
        (1, 2, 2, 1, b"1"),
        (1, 1, 2, 2, b"2"),
    ):
        folder = RunFolder.create(header)
        checkpoint.save(folder.checkpoints, 1, [Weights([weight], "weights")])
        journal = Journal(folder)
        journal.metrics({"loss": loss, "steps_per_second": speed}, 1)
        journal.append({"results": {"score": result}})
        (folder.artifacts / "samples.png").write_bytes(picture)
        states.append(state(folder))
    found = [differences(states[0], other) for other in states]
    assert found == [[], ["variable 0000 weights"], ["metric loss"], ["results", "samples.png"]]
