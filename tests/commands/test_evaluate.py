"""`python -m lab evaluate`: the numbers of `Agent.evaluate`, of runs and of saved agents."""

import json

import gymnasium
import keras
import numpy as np
import pytest

from lab import __main__ as commands
from lab.agents import DQN, PPO, SAC, RecurrentPPO
from lab.agents.frozen import RandomPolicy, frozen_agent
from lab.runs.journal import Journal
from tests.agents.toys import Toy, small
from tests.runs.test_courier import local, make
from tests.test_main import fails

gymnasium.register("Evaluated-v0", Toy)
CASES = {
    "values of actions": (DQN, {}, {}),
    "a box": (SAC, {"done": "box"}, {}),
    "a box of a normal policy": (PPO, {"done": "box"}, {"normalize_observations": True}),
    "a Dict and masks of parts": (PPO, {"seen": "dict", "done": "multi", "masked": True}, {}),
    "bits": (PPO, {"done": "binary"}, {}),
    "an image and masks": (DQN, {"seen": "image", "masked": True}, {}),
    "memory": (RecurrentPPO, {}, {}),
}


@pytest.fixture(autouse=True)
def same_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())


def pairs(options):
    return tuple(f"{name}={json.dumps(value)}" for name, value in options.items())


def recorded(agent, options=(), uri="none", results=None, **config):
    """A finished run with the policy of an agent."""
    settings = {"environment": "Evaluated-v0", "environment_options": pairs(dict(options))}
    folder = make(uri, config=settings | config, backend=keras.backend.backend())
    agent.algorithm.policy_model().save(folder.artifacts / "model.keras")
    if results:
        journal = Journal(folder)
        journal.append({"results": results})
        journal.close()
    return folder


def evaluate(capsys, name, *flags):
    capsys.readouterr()
    assert commands.main(["evaluate", name, "--json", *flags]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("case", CASES)
def test_a_run_and_a_file_have_the_returns_of_the_face(case, capsys, own_home):
    algorithm, options, settings = CASES[case]
    agent = small(algorithm, "Evaluated-v0", environment_options=options, seed=1, **settings)
    if algorithm is PPO:  # actions beyond the bounds are clipped
        for variable in agent.algorithm.model.trainable_variables:
            variable.assign(100.0 * variable)
    expected = agent.evaluate(6, seed=3)
    agent.save(own_home / "agent.zip")
    folder = recorded(agent, options)
    found = [evaluate(capsys, name, "--episodes", "6", "--seed", "3") for name in (folder.name, str(own_home / "agent.zip"))]
    for each in found:
        np.testing.assert_allclose(each["returns"], expected.returns, rtol=1e-5)
        assert each["mean"] == pytest.approx(expected.mean, rel=1e-5)
        half = expected.interval
        assert each["interval"] == pytest.approx([expected.mean - half, expected.mean + half], rel=1e-4, abs=1e-4)
        assert (each["minimum"], each["maximum"]) == (min(each["returns"]), max(each["returns"]))
    assert found[0]["random"] == found[1]["random"]
    assert found[0]["random"]["returns"] != found[0]["returns"]


@pytest.mark.usefixtures("eager")
def test_the_random_policy_takes_each_allowed_action_alike(capsys):
    agent = small(DQN, "Evaluated-v0")
    actions = RandomPolicy(agent.source, 0).host_policy()(np.zeros((3_000, 3)), np.ones(3_000))[0]
    np.testing.assert_allclose(np.bincount(actions) / 3_000, 1 / 3, atol=0.04)
    found = evaluate(capsys, recorded(agent).name, "--episodes", "300")["random"]
    assert found["mean"] == pytest.approx(4.0, abs=0.3)  # four actions of mean 1
    box = small(SAC, "Evaluated-v0", environment_options={"done": "box"})
    drawn = RandomPolicy(box.source, 0).host_policy()(np.zeros((3_000, 3)), np.ones(3_000))[0]
    np.testing.assert_allclose(drawn.mean(axis=0), [0, 0.5], atol=0.1)
    np.testing.assert_allclose([drawn.min(axis=0), drawn.max(axis=0)], [[-2, 0], [2, 1]], atol=0.01)


@pytest.mark.usefixtures("eager")
def test_it_says_how_the_number_compares_to_that_of_the_run(capsys):
    agent = small(DQN, "Evaluated-v0", seed=1)
    folder = recorded(agent, results={"greedy_return": 2.0, "last_greedy_return": 5.0}, check_episodes=2)
    agent.algorithm.policy_model().save(folder.artifacts / "last_model.keras")
    mean = agent.evaluate(4, seed=0).mean
    assert evaluate(capsys, folder.name, "--episodes", "4")["own"] == {"name": "greedy_return", "value": 2.0}
    assert commands.main(["evaluate", folder.name, "--episodes", "4", "--policy", "last"]) == 0
    greedy, chance, own, note = capsys.readouterr().out.splitlines()
    assert greedy.startswith(f"greedy return {mean:.4g}") and greedy.endswith("(last policy, 4 episodes)")
    assert chance.startswith("random return ") and "in the same environments" not in greedy
    assert own.startswith(f"the run's own last_greedy_return 5: a difference of {mean - 5:+.4g}, ")
    assert "95 % interval; Evaluated-v0, seed 0" in note
    assert commands.main(["evaluate", folder.name, "--episodes", "1"]) == 0
    assert "±" not in capsys.readouterr().out.splitlines()[0]  # one episode has no interval


@pytest.mark.usefixtures("eager")
def test_the_best_policy_and_the_last_one_are_told_apart(capsys):
    best, last = (small(DQN, "Evaluated-v0", seed=seed) for seed in (1, 2))
    folder = recorded(best, check_episodes=2)
    assert fails(capsys, "evaluate", folder.name, "--policy", "last") == (
        f"run id: expected a run that has logged its model, received {folder.name} without "
        f"{folder.artifacts / 'last_model.keras'}; only newer runs keep their last policy beside the best one"
    )
    last.algorithm.policy_model().save(folder.artifacts / "last_model.keras")
    for flags, agent in (((), best), (("--policy", "best"), best), (("--policy", "last"), last)):
        assert evaluate(capsys, folder.name, "--episodes", "5", *flags)["returns"] == agent.evaluate(5, seed=0).returns.tolist()
    unchecked = recorded(best, check_episodes=0)
    assert evaluate(capsys, unchecked.name, "--episodes", "5", "--policy", "last")["policy"] == "last"
    line = fails(capsys, "evaluate", unchecked.name, "--policy", "best")
    assert line == f"--policy: expected last, the only one without check_episodes, received best of {unchecked.name}"


@pytest.mark.usefixtures("eager")
def test_frames_are_stacked_as_in_the_run():
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    agent = frozen_agent(model, "Evaluated-v0", {"frame_stack": 2})
    assert agent.source.observations.shape == (2, 3)
    assert len(agent.evaluate(2).returns) == 2


@pytest.mark.usefixtures("eager")
def test_bad_input_is_one_line(capsys, own_home):
    agent = small(DQN, "Evaluated-v0")
    name = recorded(agent).name
    assert fails(capsys, "evaluate", "nobody").startswith("run id: expected one of the 1 runs")
    bare = make("none", config={"environment": "Evaluated-v0"})
    assert "expected a run that has logged its model, received " in fails(capsys, "evaluate", bare.name)
    assert fails(capsys, "evaluate", name, "--environment", "Evaluate-v0").startswith("--environment: expected ")
    assert fails(capsys, "evaluate", name, "--environment", "CartPole-v1") == (
        "environment: expected observations of the shape (3,), as the model takes them, received (4,) of CartPole-v1"
    )
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(bare.artifacts / "model.keras")
    assert fails(capsys, "evaluate", bare.name) == (
        "environment: expected actions for the model's 2 outputs, received Discrete(3) of Evaluated-v0, which needs 3"
    )
    gan = make("none", config={"noise": 3})
    model.save(gan.artifacts / "model.keras")
    assert fails(capsys, "evaluate", gan.name).startswith(
        f"run id: expected a run of an agent, with the setting environment, received {gan.name}; samples of a GAN: "
    )
    assert fails(capsys, "evaluate", name, "--policy", "beste").startswith("--policy: expected ")
    assert fails(capsys, "evaluate", str(own_home / "a.zip")).endswith("a file that Agent.save wrote, received nothing")
    (own_home / "a.zip").write_text("x")
    assert "expected a file that Agent.save wrote, received File is not a zip file" in fails(
        capsys, "evaluate", str(own_home / "a.zip")
    )
    line = fails(capsys, "evaluate", str(own_home / "a.zip"), "--policy", "last")
    assert line == "--policy: expected none with the file of an agent, received 'last'"


def test_a_tabular_agent_is_evaluated_from_its_file(capsys, own_home):
    from lab.agents.tabular import QLearning

    agent = QLearning.for_env("Taxi-v4", seed=1)
    agent.fit(2_000, verbose=0)
    agent.save(own_home / "taxi.zip")
    found = evaluate(capsys, str(own_home / "taxi.zip"), "--episodes", "3", "--seed", "2")
    assert found["returns"] == agent.evaluate(3, seed=2).returns.tolist()
    assert found["random"]["mean"] == -200  # forbidden actions would cost 10


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_an_experiment_keeps_its_last_policy_and_its_best(tmp_path):
    from experiments import dqn_cartpole
    from experiments.common import deep_agents
    from tests.experiments.track import Memory, brief

    replay = {"learning_starts": 32, "batch_size": 8, "buffer_size": 64, "rollout_length": 4, "num_envs": 2, "updates": 4}
    settings = replay | {"steps": 64, "hidden": (4,), "learning_rate": 0.3, "evaluation_episodes": 2}
    track = Memory(tmp_path)
    with brief():
        results = dqn_cartpole.run(dqn_cartpole.Config(**settings, check_episodes=2), track)
    seed = deep_agents.seeds(track, 6)[5]
    last = keras.saving.load_model(tmp_path / "last_model.keras", compile=False)
    for model, name in ((track.models[0], "greedy_return"), (last, "last_greedy_return")):
        assert frozen_agent(model, "CartPole-v1", {}).evaluate(2, seed=seed).mean == results[name]
    pairs = zip(track.models[0].weights, last.weights, strict=True)
    assert any(not np.array_equal(np.asarray(best), np.asarray(other)) for best, other in pairs)
    (tmp_path / "last_model.keras").unlink()
    with brief():
        dqn_cartpole.run(dqn_cartpole.Config(**settings, check_episodes=0), track)
    assert not (tmp_path / "last_model.keras").exists()


@pytest.mark.long
def test_a_run_on_a_server(tmp_path, capsys):
    uri = local(tmp_path)
    agent = small(DQN, "Evaluated-v0", seed=1)
    folder = recorded(agent, uri=uri, check_episodes=2)
    small(DQN, "Evaluated-v0", seed=2).algorithm.policy_model().save(folder.artifacts / "last_model.keras")
    (folder.artifacts / "config.json").write_text(json.dumps({"config": folder.header()["config"]}))
    from lab.runs import courier

    journal = Journal(folder)
    for name in ("config.json", "last_model.keras"):
        journal.append({"artifact": name})
    journal.append({"model": "model.keras", "step": 7, "requirements": []})
    journal.metrics({"greedy_return": 1.5}, 7)
    journal.close()
    courier.Delivery(folder).advance()
    run_id = folder.delivery()["run_id"]
    for flags in ((), ("--policy", "last")):
        there = evaluate(capsys, run_id, "--episodes", "4", "--tracking-uri", uri, *flags)
        here = evaluate(capsys, folder.name, "--episodes", "4", *flags)
        assert there["returns"] == here["returns"]
        assert there["own"] == {"name": "greedy_return", "value": 1.5}
