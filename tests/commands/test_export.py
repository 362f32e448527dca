"""`python -m lab export`: models of runs and of saved agents, in the formats of Keras."""

import keras
import numpy as np
import pytest

from lab import __main__ as commands
from lab.agents import DQN, PPO
from lab.models import exporting
from tests.agents.test_exporting import run
from tests.agents.toys import Toy, small
from tests.backends import only
from tests.commands.test_evaluate import recorded, same_backend  # noqa: F401  a fixture
from tests.runs.test_courier import make
from tests.test_main import fails

FORMATS = ["keras", "savedmodel", pytest.param("onnx", marks=pytest.mark.slow), pytest.param("litert", marks=pytest.mark.slow)]


def network(inputs=2):
    """A model of a run that is no agent's: an input, or an input and a label."""
    keras.utils.set_random_seed(0)
    x = keras.Input((4,), name="x")
    label = keras.Input((1,), name="label")
    seen = keras.layers.Concatenate()([x, label]) if inputs > 1 else x
    return keras.Model([x, label] if inputs > 1 else x, keras.layers.Dense(3, activation="tanh", name="out")(seen))


@pytest.mark.slow
@only("tensorflow")
@pytest.mark.parametrize("format", FORMATS)
def test_a_network_of_a_run(format, own_home, capsys):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    model, folder = network(), make("none", config={"noise": 3})
    model.save(folder.artifacts / "model.keras")
    output = own_home / "it"
    for words in ("written to", "replaced"):
        assert commands.main(["export", folder.name, "--format", format, "--output", str(output)]) == 0
        path = exporting.with_ending(output, commands_format(format))
        assert capsys.readouterr().out.splitlines()[-1] == f"{format}, {words} {path}"
    random = np.random.default_rng(0)
    inputs = {"x": random.normal(size=(5, 4)).astype("float32"), "label": np.ones((5, 1), np.float32)}
    expected = model.predict(list(inputs.values()), verbose=0)
    np.testing.assert_allclose(run(path, commands_format(format), inputs), expected, rtol=1e-6, atol=1e-6)
    assert sorted(each.name for each in own_home.iterdir()) == sorted(["mlruns", path.name])


def commands_format(format):
    return "tf_saved_model" if format == "savedmodel" else format


@pytest.mark.slow
@only("tensorflow")
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("format", FORMATS)
def test_a_policy_of_a_run_takes_observations_and_gives_actions(format, own_home, monkeypatch):
    monkeypatch.chdir(own_home)
    agent = small(PPO, "Evaluated-v0", environment_options={"done": "box"}, normalize_observations=True)
    folder = recorded(agent, {"done": "box"})
    agent.save(own_home / "agent.zip")
    observations = np.stack([Toy().reset(seed=seed)[0] for seed in range(6)])
    for name, stem in ((folder.name, folder.name), ("agent.zip", "agent")):
        if format == "onnx":
            pytest.importorskip("tf2onnx")
            pytest.importorskip("onnxruntime")
        assert commands.main(["export", name, "--format", format]) == 0
        path = exporting.with_ending(own_home / stem, commands_format(format))
        actions = run(path, commands_format(format), {"observation": observations})
        np.testing.assert_allclose(actions, agent.predict(observations), rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("eager")
def test_the_last_policy_is_exported(own_home, monkeypatch):
    best, last = (small(DQN, "Evaluated-v0", seed=seed) for seed in (1, 2))
    folder = recorded(best, check_episodes=2)
    last.algorithm.policy_model().save(folder.artifacts / "last_model.keras")
    observations = np.stack([Toy().reset(seed=seed)[0] for seed in range(50)])
    for policy, agent in (("best", best), ("last", last)):
        output = str(own_home / policy)
        assert commands.main(["export", folder.name, "--output", output, "--policy", policy]) == 0
        model = keras.models.load_model(f"{output}.keras")
        np.testing.assert_array_equal(np.asarray(model(observations)), agent.predict(observations))


def test_bad_input_is_one_line_and_leaves_all_as_it_was(own_home, capsys, monkeypatch):
    folder = make("none", config={"noise": 3}, backend=keras.backend.backend())
    (own_home / "full.keras").mkdir()
    (own_home / "full.keras" / "precious").touch()
    assert fails(capsys, "export", "nobody").startswith("run id: expected one of the 1 runs")
    line = fails(capsys, "export", folder.name, "--format", "saved_model")
    assert line.startswith(
        "--format: expected one of keras, savedmodel, onnx, litert, received 'saved_model' (nearest: savedmodel"
    )
    assert "without" in fails(capsys, "export", folder.name, "--output", str(own_home / "x"))
    network().save(folder.artifacts / "model.keras")
    line = fails(capsys, "export", folder.name, "--output", str(own_home / "full"))
    assert line.endswith("full.keras: expected nothing or a file in this place, received a folder of something else")
    line = fails(capsys, "export", folder.name, "--output", str(own_home / "nowhere" / "x"))
    assert line.endswith(f"x.keras: expected a folder that exists, received {own_home / 'nowhere'}")
    assert fails(capsys, "export", folder.name, "--policy", "best").startswith("--policy: expected last")
    assert fails(capsys, "export", "no.zip").endswith("no.zip: expected a file that Agent.save wrote, received nothing")
    assert sorted(each.name for each in own_home.iterdir()) == ["full.keras", "mlruns"]
    assert [each.name for each in (own_home / "full.keras").iterdir()] == ["precious"]


@only("tensorflow")
def test_a_failed_export_leaves_the_old_file(own_home, monkeypatch):
    (own_home / "old.keras").write_text("old")
    monkeypatch.setattr(keras.Model, "save", lambda self, path, **options: path.write_text("half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        exporting.export(network(), own_home / "old", format="keras")
    assert (own_home / "old.keras").read_text() == "old"
    assert [each.name for each in own_home.iterdir()] == ["old.keras"]
    (own_home / "folder").mkdir()
    (own_home / "folder" / "precious").touch()
    with pytest.raises(ValueError, match="expected nothing or a SavedModel in this place"):
        exporting.export(network(), own_home / "folder", format="tf_saved_model")


@only("jax")
def test_other_formats_are_tensorflows(own_home, capsys):
    folder = make("none", config={"noise": 3}, backend="jax")
    network().save(folder.artifacts / "model.keras")
    line = fails(capsys, "export", folder.name, "--format", "onnx", "--output", str(own_home / "x"))
    assert line.startswith("KERAS_BACKEND: expected 'tensorflow'")
