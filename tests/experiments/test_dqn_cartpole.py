"""DQN's experiment: which policy it keeps, and how far its step size falls."""

import pytest

import lab.agents
from experiments.dqn_cartpole import Config, run
from lab.agents import building
from tests.experiments.test_deep_agents import EXPERIMENTS
from tests.experiments.track import Memory

BASE = EXPERIMENTS["dqn"].start


@pytest.mark.slow
def test_what_is_checked_chosen_and_logged_is_the_averaged_policy(tmp_path, monkeypatch):
    chosen, kind, track = [], lab.agents.BestSnapshot, Memory(tmp_path)
    monkeypatch.setattr(lab.agents, "BestSnapshot", lambda model: chosen.append(model) or kind(model))
    agents, dqn = [], lab.agents.DQN
    monkeypatch.setattr(building, "DQN", lambda **options: agents.append(dqn(**options)) or agents[0])
    run(Config(**BASE), track)
    assert chosen == track.models == [agents[0].policy_model()]
    assert agents[0].policy_model() is not agents[0].online


@pytest.mark.slow
def test_the_learning_rate_reaches_its_end_with_the_last_update(tmp_path, monkeypatch):
    agents, kind = [], lab.agents.DQN
    monkeypatch.setattr(building, "DQN", lambda **options: agents.append(kind(**options)) or agents[0])
    config = Config(**BASE | {"steps": 700, "rollout_length": 300, "buffer_size": 400, "learning_rate_power": 1.0})
    run(config, Memory(tmp_path))
    optimizer = agents[0].optimizer
    assert int(optimizer.iterations) == 16  # 300 steps without learning, then 1,200 in rollouts of 300
    rates = [float(optimizer._learning_rate(update)) for update in (15, 16)]
    assert rates[0] > rates[1] == 0.0
