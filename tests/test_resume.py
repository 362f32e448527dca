"""A run killed with SIGKILL and resumed ends bit for bit like one left alone."""

import os
import subprocess
import sys
import time

import keras
import pytest

from benchmarks.kill_and_resume import COMMON, GLYPHS, RING, SETTINGS, Run, differences
from lab import checkpoint
from tests.backends import only
from tests.processes import ROOT, folders, run

PPO = ["--steps", "16384", "--checkpoint-every", "1024", *COMMON]
DIGITS = ["--model", "lenet5", "--epochs", "4", "--folds", "3", "--checkpoint-every", "1000", "--tracking-uri", "none"]
FORECAST = [
    "--cell", "simple", "--units", "8", "--samples", "600", "--test-samples", "150", "--epochs", "20", "--checkpoint-every", "1000",
    "--tracking-uri", "none",
]  # fmt: skip
SAC = ["--steps", "1600", "--warm-up", "100", "--hidden", "64", "64", "--checkpoint-every", "100", *COMMON]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "settings", "place", "kills"),
    [
        pytest.param("dqn_cartpole", SETTINGS, "host", 3, marks=only("jax")),
        pytest.param("dqn_cartpole", SETTINGS, "device", 3, marks=only("tensorflow")),
        pytest.param("ppo_cartpole", PPO, "device", 1, marks=only("jax")),
        pytest.param("ppo_cartpole", PPO, "host", 1, marks=only("tensorflow")),
        pytest.param("sac_pendulum", SAC, "host", 1, marks=only("tensorflow")),
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
    least = 6_000 if experiment == "classifier_digits" else 0  # in the second of its folds, of 4,736 images each
    assert disturbed.wait_for(lambda: len([name for name in disturbed.checkpoints() if step_of(name) > least]) >= 2)
    disturbed.kill_during_write()
    assert disturbed.folder().status() == "KILLED"
    disturbed.start()
    disturbed.finish()
    assert differences(alone.state(), disturbed.state()) == []
    assert alone.state()[4].keys() >= ({"training.gif"} if "gan" in experiment else set())


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
        tensors, header = checkpoint.read(sorted(folder.checkpoints.glob("step-*"))[-1])
        metrics = {key: values for key, values in folder.metrics().items() if key != "steps_per_second"}
        states.append((tensors, header, metrics, folder.results(), {}))
    assert differences(*states) == []


def test_the_comparison_can_fail(tmp_path):
    import numpy as np

    state = ({"a": np.zeros(2)}, {"step": "1"}, {"loss": [(1, 0.5)]}, {"r": 1.0}, {"grid.png": b"1"})
    assert differences(state, state) == []
    assert differences(state, ({"a": np.ones(2)}, *state[1:])) == ["a"]
    assert differences(state, (*state[:2], {"loss": [(1, 0.5), (1, 0.5)]}, *state[3:])) == ["metric loss"]
    assert differences(state, (*state[:3], {"r": 2.0}, state[4])) == ["results"]
    assert differences(state, (*state[:4], {"grid.png": b"2"})) == ["grid.png"]
