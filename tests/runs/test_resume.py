"""A run that is killed and resumed ends bit for bit like one that is left alone."""

import keras
import pytest

from benchmarks.attack_kills import differences, state
from benchmarks.victims import Server
from lab.agents.tabular.table import Weights
from lab.runs import checkpoint
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.backends import only
from tests.killed import COMMON, GLYPHS, RING, SETTINGS, Run

PPO = ["--steps", "6144", "--checkpoint-every", "1024", *COMMON]
DIGITS = ["--model", "lenet5", "--width", "0.25", "--epochs", "2", "--folds", "3", "--checkpoint-every", "500"]
DIGITS += ["--tracking-uri", "none"]
FORECAST = ["--cell", "simple", "--units", "8", "--samples", "600", "--test-samples", "150", "--epochs", "20"]
FORECAST += ["--checkpoint-every", "1000", "--tracking-uri", "none"]
COPY = ["--epochs", "4", "--samples", "64", "--test-samples", "16", "--bits", "2", "--longest", "2", "--units", "8"]
COPY += ["--slots", "5", "--width", "4", "--checkpoint-every", "64", "--tracking-uri", "none"]

FONTS = ["--letters", "latin", "--samples", "40", "--test-samples", "10", "--epochs", "4", "--batch-size", "10", "--size", "16"]
FONTS += ["--filters", "2", "--blocks", "0", "--pool", "15", "--checkpoint-every", "40", "--tracking-uri", "none"]


@pytest.fixture(scope="module")
def server():
    """Imports the backend once for all runs here."""
    with Server(keras.backend.backend()) as server:
        yield server


def pair(server, folder, *run):
    """A run that has been left alone, and its twin that has not begun."""
    alone, disturbed = (Run(server, folder / name, *run) for name in ("alone", "disturbed"))
    alone.live()
    return alone, disturbed


@pytest.mark.long
@pytest.mark.parametrize(
    ("experiment", "settings", "arguments"),
    [
        pytest.param("dqn_cartpole", SETTINGS, [], marks=only("jax")),
        pytest.param("dqn_cartpole", SETTINGS, ["--device"], marks=only("tensorflow")),
        pytest.param("ppo_cartpole", PPO, [], marks=only("tensorflow")),
    ],
)
def test_killed_and_resumed(server, tmp_path, experiment, settings, arguments):
    alone, disturbed = pair(server, tmp_path, experiment, settings, arguments)
    if keras.backend.backend() == "jax":
        disturbed.die_while_saving(1)
        assert not disturbed.checkpoints()
        disturbed.die_while_saving(3)  # first it deletes what is half-written, then it renames the first
        assert len(disturbed.checkpoints()) == 1
        assert disturbed.half_written()
    seen = disturbed.checkpoints()
    disturbed.die_once(lambda: len(disturbed.checkpoints() - seen) >= 2)
    disturbed.live()
    assert differences(alone.state(), disturbed.state()) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("experiment", "settings", "number"),
    [
        pytest.param("gan_ring", RING, 3, marks=only("jax")),
        pytest.param("conditional_gan_glyphs", GLYPHS, 3, marks=only("tensorflow")),
        pytest.param("cyclegan_fonts", FONTS, 3, marks=only("tensorflow")),  # its pool is full in the first epoch
        pytest.param("forecast_mackey_glass", FORECAST, 3, marks=only("jax")),
        pytest.param("ntm_copy", COPY, 3, marks=only("tensorflow")),
        # In the second of its folds.
        pytest.param("classifier_digits", DIGITS, 4, marks=only("tensorflow")),
    ],
)
def test_a_run_killed_while_it_saved_and_resumed(server, tmp_path, experiment, settings, number):
    alone, disturbed = pair(server, tmp_path, experiment, settings)
    disturbed.die_while_saving(number)
    assert disturbed.half_written()
    assert disturbed.folder().status() == "KILLED"
    if experiment == "classifier_digits":
        assert 2_368 < max(disturbed.checkpoints()) < 2 * 2_368  # a fold sees 2,368 images
    disturbed.live()
    assert differences(alone.state(), disturbed.state()) == []
    assert alone.state().keys() >= ({"training.gif"} if "gan" in experiment else set())


@pytest.mark.slow
@only("jax")  # tables are NumPy's
def test_a_tabular_run_killed_and_resumed(server, tmp_path):
    settings = ["--tracking-uri", "none", "--steps", "60000", "--checkpoint-every", "5000"]
    alone, disturbed = pair(server, tmp_path, "q_learning_taxi", settings)
    disturbed.die_while_saving(3)
    assert not disturbed.folder().results()
    disturbed.live()
    assert "resuming at step" in disturbed.output()
    assert differences(alone.state(), disturbed.state()) == []


@only("tensorflow")
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
