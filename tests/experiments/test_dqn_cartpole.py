"""Every setting is alive: changing it changes what the run logs."""

import dataclasses

import pytest

import lab.agents
from experiments.dqn_cartpole import Config, run
from tests.experiments.track import Memory, brief

BASE = {
    "steps": 128, "learning_starts": 64, "hidden": (32,), "updates": 4, "learning_rate": 0.1, "rollout_length": 16,
    "target_every": 3, "check_episodes": 2, "evaluation_episodes": 3, "buffer_size": 120, "batch_size": 64,
}  # fmt: skip
CHANGES = {
    "environment": "Acrobot-v1", "environment_options": ("sutton_barto_reward=true",),
    "wrappers": ("gymnasium.wrappers:TimeLimit max_episode_steps=5",), "device": True, "steps": 160, "discount": 0.5, "target": "plain", "loss": "huber",
    "learning_rate": 0.01, "learning_rate_power": 1.0, "max_gradient_norm": 1e-3, "batch_size": 16, "buffer_size": 80,
    "learning_starts": 96, "rollout_length": 32, "updates": 2, "target_every": 4, "polyak": 0.5, "averaging": 0.0, "epsilon_end": 0.9, "exploration_fraction": 1.0,
    "hidden": (4, 4), "normalize_observations": False, "check_episodes": 3, "evaluation_episodes": 5,
}  # fmt: skip


def observe(folder, **changes):
    track = Memory(folder)
    with brief():
        result = run(Config(**BASE | changes), track)
    return track.logged, result


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return observe(tmp_path_factory.mktemp("base"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Config)])
def test_every_field_changes_something(base, tmp_path, name):
    assert observe(tmp_path, **{name: CHANGES[name]}) != base


@pytest.mark.slow
def test_the_same_settings_change_nothing(base, tmp_path):
    assert observe(tmp_path) == base


@pytest.mark.slow
def test_what_is_checked_chosen_and_logged_is_the_averaged_policy(tmp_path, monkeypatch):
    chosen, kind, track = [], lab.agents.BestSnapshot, Memory(tmp_path)
    monkeypatch.setattr(lab.agents, "BestSnapshot", lambda model: chosen.append(model) or kind(model))
    agents, dqn = [], lab.agents.DQN
    monkeypatch.setattr(lab.agents, "DQN", lambda **options: agents.append(dqn(**options)) or agents[0])
    run(Config(**BASE), track)
    assert chosen == track.models == [agents[0].policy_model()]
    assert agents[0].policy_model() is not agents[0].online


@pytest.mark.slow
def test_the_learning_rate_reaches_its_end_with_the_last_update(tmp_path, monkeypatch):
    agents, kind = [], lab.agents.DQN
    monkeypatch.setattr(lab.agents, "DQN", lambda **options: agents.append(kind(**options)) or agents[0])
    config = Config(**BASE | {"steps": 700, "rollout_length": 300, "buffer_size": 400, "learning_rate_power": 1.0})
    run(config, Memory(tmp_path))
    optimizer = agents[0].optimizer
    assert int(optimizer.iterations) == 16  # 300 steps of warm-up, then 1,200 in rollouts of 300
    rates = [float(optimizer._learning_rate(update)) for update in (15, 16)]
    assert rates[0] > rates[1] == 0.0
