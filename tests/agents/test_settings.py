"""Each default of a deep agent has one home, `lab.agents.settings`."""

import dataclasses
import importlib
import inspect

import pytest

from lab import agents
from lab.agents import settings

KINDS = ["A2C", "DDPG", "DQN", "PPO", "REINFORCE", "SAC", "TD3"]
CONSTRUCTORS = {name: getattr(agents, name) for name in KINDS} | {"RecurrentPPO": agents.RecurrentPPO}
EXPERIMENTS = [
    "a2c_cartpole",
    "dqn_cartpole",
    "ppo_acrobot",
    "ppo_any",
    "ppo_cartpole",
    "ppo_mountaincar_continuous",
    "ppo_pendulum",
    "recurrent_ppo_cartpole_no_velocity",
    "reinforce_cartpole",
    "sac_pendulum",
    "td3_pendulum",
]


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_a_constructor_has_the_defaults_of_its_settings(name):
    fields = {field.name: field.default for field in dataclasses.fields(getattr(settings, name))}
    parameters = inspect.signature(CONSTRUCTORS[name]).parameters.values()
    given = {each.name: each.default for each in parameters if each.default is not each.empty and each.name in fields}
    given = {key: value for key, value in given.items() if not callable(value)}  # such as DQN's loss, a function
    assert len(given) >= 3
    assert given == {key: fields[key] for key in given}


def test_recurrent_ppo_hands_on_no_default_of_ppo():
    fields = {field.name for field in dataclasses.fields(settings.RecurrentPPO)}
    shared = fields & set(inspect.signature(agents.PPO).parameters)
    assert {"discount", "gae_lambda", "clip"} <= shared
    assert shared <= set(inspect.signature(agents.RecurrentPPO).parameters)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_states_only_what_differs(name):
    config = importlib.import_module(f"experiments.{name}").Config
    usual = {
        field.name: field.default
        for base in config.__mro__[:0:-1]
        if dataclasses.is_dataclass(base)
        for field in dataclasses.fields(base)
    }
    stated = {key: getattr(config, key) for key in config.__annotations__}
    assert stated
    assert not {key: value for key, value in stated.items() if usual[key] == value}
