"""Agents in files: exact, without pickles, with one clear line where something does not fit."""

import json
import pickletools
import zipfile

import keras
import numpy as np
import pytest

from lab.agents import A2C, DQN, PPO, SAC, RecordVideo, SaveAgent, load
from lab.agents.exploration import constant
from lab.errors import DamagedFile
from tests.agents.test_agent import of_parts
from tests.agents.toys import SMALL, Toy, fit, same, small


def reloaded(agent, tmp_path, **arguments):
    agent.save(tmp_path / "agent.zip")
    return load(tmp_path / "agent.zip", **arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("algorithm", SMALL, ids=lambda kind: kind.__name__)
def test_learning_goes_on_with_the_same_bits(algorithm, tmp_path):
    options = {"done": SMALL[algorithm][1][-1]}
    agent = small(algorithm, environment_options=options, seed=5)
    fit(agent)
    other = reloaded(agent, tmp_path, environment=Toy)
    assert same(agent, other) and repr(agent) == repr(other)
    observation, _ = Toy(**options).reset(seed=1)
    np.testing.assert_array_equal(agent.predict(observation), other.predict(observation))
    histories = [fit(each).history for each in (agent, other)]
    assert same(agent, other)
    for name in set(histories[0]) - {"steps_per_second"}:
        np.testing.assert_array_equal(*(history[name] for history in histories))
    assert agent.evaluate(2).mean == other.evaluate(2).mean


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
def test_on_the_device_too_and_in_the_midst_of_episodes(tmp_path):
    agent = small(PPO, "lab/CartPole-v1", vectorization="device")
    fit(agent, callbacks=[SaveAgent(tmp_path / "{step}.zip", every=8)])
    other = PPO.load(tmp_path / "8.zip")
    assert other.step == 8 and not same(agent, other)
    fit(other, 8, horizon=16)
    assert same(agent, other)


@pytest.mark.usefixtures("eager")
def test_on_the_host_the_callback_saves_where_episodes_begin(tmp_path):
    agent = small(A2C, Toy, environment_options={"length": 50})
    fit(agent, 32, callbacks=[SaveAgent(tmp_path / "{step}.zip", every=16)])
    other = load(tmp_path / "16.zip", environment=Toy)
    fit(other, 16, horizon=32)
    assert same(agent, other)


@pytest.mark.usefixtures("eager")
def test_what_a_user_passed_is_kept(tmp_path):
    agent = small(
        DQN,
        network=of_parts(3),
        optimizer=keras.optimizers.SGD(0.125, momentum=0.5),
        epsilon=0.25,
        environment_options={"seen": "dict", "masked": True},
        discount=0.5,
    )
    fit(agent)
    other = reloaded(agent, tmp_path, environment=Toy)
    assert other.algorithm.discount == 0.5 and other.algorithm.epsilon(0) == 0.25
    assert type(other.optimizer) is keras.optimizers.SGD and other.optimizer.momentum == 0.5
    fit(agent), fit(other)
    assert same(agent, other)


@pytest.mark.usefixtures("eager")
def test_a_step_size_of_the_users_stays_theirs(tmp_path):
    agent = small(PPO, "CartPole-v1")
    fit(agent)
    agent.optimizer.learning_rate = 0.0625
    other = reloaded(agent, tmp_path)
    fit(other)
    assert float(other.optimizer.learning_rate) == 0.0625


@pytest.mark.usefixtures("eager")
def test_the_replay_can_be_left_out(tmp_path):
    agent = small(DQN)
    fit(agent)
    agent.save(tmp_path / "without.zip", replay=False)
    other = load(tmp_path / "without.zip", environment=Toy)
    assert int(other.algorithm.replay.added) == 0 and int(agent.algorithm.replay.added) == 16
    assert same_weights(agent, other)
    fit(other)
    assert int(other.algorithm.replay.added) == 16


def same_weights(one, other):
    pairs = zip(one.algorithm.model.variables, other.algorithm.model.variables, strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


@pytest.mark.usefixtures("eager")
def test_nothing_in_the_file_is_a_pickle(tmp_path):
    agent = small(SAC, environment_options={"done": "box"})
    agent.save(tmp_path / "agent.zip")
    with zipfile.ZipFile(tmp_path / "agent.zip") as archive:
        assert sorted(archive.namelist()) == ["agent.json", "variables.safetensors"]
        for name in archive.namelist():
            with pytest.raises(ValueError, match=r"pickle|opcode|frame"):
                list(pickletools.genops(archive.read(name)))
        assert json.loads(archive.read("agent.json"))["algorithm"] == "SAC"


@pytest.mark.usefixtures("eager")
def test_what_cannot_be_in_a_file_is_asked_for(tmp_path):
    def network(observations, actions):
        return keras.Sequential([keras.Input(observations.shape), keras.layers.Dense(int(actions.n))])

    agent = small(DQN, network=network, epsilon=constant(0.5), wrappers=[lambda env: env])
    agent.save(tmp_path / "agent.zip")
    given = {"environment": Toy, "network": network, "epsilon": constant(0.5), "wrappers": [lambda env: env]}
    load(tmp_path / "agent.zip", **given)
    for name, expected in {
        "environment": r"expected environment=..., because the agent was made for Toy, no Gymnasium id, received none",
        "network": r"expected network=..., a function, which a file cannot hold, received none",
        "epsilon": r"expected epsilon=..., a function, which a file cannot hold, received none",
    }.items():
        with pytest.raises(ValueError, match=expected):
            load(tmp_path / "agent.zip", **{key: value for key, value in given.items() if key != name})


@pytest.mark.usefixtures("eager")
def test_a_file_that_does_not_fit_is_told_in_one_line(tmp_path):
    place = tmp_path / "agent.zip"
    small(PPO, "CartPole-v1").save(place)
    with pytest.raises(ValueError, match=r"agent.zip: expected an agent of DQN, received one of PPO"):
        DQN.load(place)
    with pytest.raises(ValueError, match=r"expected an environment with observations Box\(.*received Box\(.*\(6,\)"):
        load(place, environment="Acrobot-v1")
    with pytest.raises(ValueError, match=r"agent.zip: expected 42 variables of PPO.*, received 30"):
        load(place, hidden=(4, 4))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.zip")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(DamagedFile, match=r"text.zip: expected a file that Agent.save wrote, received File is not a zip file"):
        load(tmp_path / "text.zip")
    content = place.read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedFile, match=r"cut\.zip: expected"):
        load(tmp_path / "cut.zip")
    middle = len(content) // 2
    (tmp_path / "flipped.zip").write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    with pytest.raises((DamagedFile, ValueError), match=r"flipped\.zip: expected"):
        load(tmp_path / "flipped.zip")
    for change, message in (
        ({"format": 9}, r"expected a file of format 1, received format 9; it was written by keras-rl-gan-lab"),
        ({"algorithm": "evaluate"}, r"expected an algorithm of lab.agents, received 'evaluate'"),
    ):
        changed(place, tmp_path / "changed.zip", change)
        with pytest.raises((DamagedFile, ValueError), match=message):
            load(tmp_path / "changed.zip")


def changed(place, path, change):
    with zipfile.ZipFile(place) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, json.dumps(json.loads(content) | change) if name == "agent.json" else content)


@pytest.mark.usefixtures("eager")
def test_saving_replaces_the_file_whole(tmp_path, monkeypatch):
    place = tmp_path / "agent.zip"
    agent = small(PPO, "CartPole-v1")
    agent.save(place)
    before = place.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("safetensors.numpy.save", fail)
    with pytest.raises(OSError, match="no space left"):
        agent.save(place)
    assert place.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["agent.zip"]


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_video_every_n_steps(tmp_path):
    from PIL import Image

    agent = small(PPO, "CartPole-v1")
    fit(agent, 48, callbacks=[RecordVideo(tmp_path / "videos", every=16)])
    names = sorted(path.name for path in (tmp_path / "videos").iterdir())
    assert names == ["step-000000008.gif", "step-000000024.gif", "step-000000040.gif"]
    with Image.open(tmp_path / "videos" / names[0]) as picture:
        assert picture.n_frames > 1


@pytest.mark.usefixtures("eager")
def test_numbers_of_numpy_are_saved_as_pythons(tmp_path):
    given = {"learning_rate": np.float32(0.125), "hidden": np.array([4]), "epsilon": np.float32(0.25), "seed": np.int64(3)}
    agent = small(DQN, **given)
    other = reloaded(agent, tmp_path, environment=Toy)
    assert same(agent, other) and other.seed == 3 and other.algorithm.epsilon(0) == 0.25
    assert agent.settings["hidden"] == (4,) and type(agent.settings["learning_rate"]) is float


@pytest.mark.usefixtures("eager")
def test_another_environment_is_told_before_a_network_that_does_not_fit_it(tmp_path):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    small(DQN, network=network).save(tmp_path / "agent.zip")
    with pytest.raises(
        ValueError, match=r"agent.zip: expected an environment with observations Box.* received another: network"
    ):
        load(tmp_path / "agent.zip", environment="CartPole-v1")
