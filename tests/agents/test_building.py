"""Agents made from their settings: every setting reaches its place, every seed its own."""

import dataclasses

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from lab.agents import building, exploration, settings
from lab.losses import half_squared_error, huber_error, reinforcement

SEEN = Box(-1.0, 1.0, (3,), np.float32)
CHOICES, TORQUE = Discrete(2), Box(-2.0, 2.0, (2,), np.float32)
COMMON = {"discount": 0.5, "rollout_length": 6, "hidden": (4,)}
REPLAY = COMMON | {"batch_size": 5, "learning_starts": 7, "updates": 4, "buffer_size": 50}
# {builder: (settings, actions, number of seeds)}
AGENTS = {
    "dqn": (settings.DQN(**REPLAY, target_every=3, polyak=0.5, averaging=0.1), CHOICES, 3),
    "reinforce": (settings.REINFORCE(**COMMON, normalize_advantage=True, entropy_weight=0.1), CHOICES, 2),
    "a2c": (settings.A2C(**COMMON, gae_lambda=0.3, value_weight=0.2, normalize_advantage=True, entropy_weight=0.1), CHOICES, 2),
    "ppo": (
        settings.PPO(
            **COMMON, gae_lambda=0.3, epochs=3, minibatches=2, value_clip=0.1, value_weight=0.2, target_kl=0.01,
            normalize_advantage=False,
        ),
        TORQUE,
        2,
    ),
    "recurrent_ppo": (
        settings.RecurrentPPO(**COMMON, gae_lambda=0.3, epochs=3, minibatches=2, entropy_weight=0.1, units=4), CHOICES, 2,
    ),
    "sac": (settings.SAC(**REPLAY), TORQUE, 5),
    "td3": (settings.TD3(**REPLAY, policy_delay=4, critics=3), TORQUE, 6),
}  # fmt: skip


class Straight:
    """Schedules of a run of 10 steps."""

    def learning_rate(self, updates):
        return 0.125

    def linear(self, start, end):
        return exploration.linear(start, end, 10)

    def epsilon(self):
        return exploration.constant(0.25)


def make(name, *, seeds=None, **changes):
    config, actions, count = AGENTS[name]
    config = dataclasses.replace(config, **changes)
    return getattr(building, name)(config, SEEN, actions, range(count) if seeds is None else seeds, Straight())


# Attributes of agents that are something else than the settings of that name.
OTHERS = {"steps", "network", "loss", "target", "critics", "noise", "smoothing", "temperature"}


@pytest.mark.parametrize("name", AGENTS)
def test_settings_are_those_of_the_agent(name):
    agent, config = make(name), vars(AGENTS[name][0])
    others = OTHERS | ({"clip", "entropy_weight"} if name == "ppo" else {"clip"} if name == "recurrent_ppo" else set())
    shared = {key for key in config if hasattr(agent, key)} - others
    assert {"discount", "rollout_length"} <= shared
    assert {key: getattr(agent, key) for key in shared} == {key: config[key] for key in shared}


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_a_seed_of_the_weights_moves_weights_and_one_of_acting_does_not(name):
    count = AGENTS[name][2]
    acting = {"dqn": 2, "td3": 2, "sac": 4}.get(name, 1)
    weights = [
        [np.asarray(variable) for variable in make(name, seeds=seeds).model.weights]
        for seeds in (range(count), [9, *range(1, count)], [9 if k == acting else k for k in range(count)])
    ]
    one, other, same = (np.concatenate([part.ravel() for part in parts]) for parts in weights)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, same)
    assert int(np.asarray(make(name, seeds=[9 if k == acting else k for k in range(count)]).seed.state)[0]) == 9


@pytest.mark.parametrize("name", ["sac", "td3"])
def test_targets_follow_at_the_pace_that_is_set(name):
    assert make(name, polyak=0.25).critics.polyak == 0.25


def test_critics_have_a_seed_each():
    weights = [np.asarray(model.trainable_variables[0]) for model in make("td3").critics.online]
    assert len(weights) == 3
    assert not any(np.array_equal(weights[0], other) for other in weights[1:])
    np.testing.assert_array_equal(np.asarray(make("td3").critics.targets[0].trainable_variables[0]), weights[0])


def test_what_dqn_bootstraps_from_and_its_loss():
    targets = {
        "plain": reinforcement.q_learning_bootstrap,
        "double": reinforcement.double_q_learning_bootstrap,
        "clipped": reinforcement.clipped_double_q_learning_bootstrap,
    }
    assert {name: make("dqn", target=name).bootstrap for name in targets} == targets
    assert [make("dqn", loss=name).loss for name in ("huber", "squared")] == [huber_error, half_squared_error]


def test_what_of_ppo_changes_over_the_run():
    at_the_end = [float(make("ppo", clip=0.3, clip_end=end).clip(10)) for end in (None, 0.1, 0.0)]
    np.testing.assert_allclose(at_the_end, [0.3, 0.1, 0.0], rtol=1e-6)
    assert float(make("ppo", clip=0.3, clip_end=0.1).clip(0)) == pytest.approx(0.3)
    weight = make("ppo", entropy_weight=0.2, entropy_weight_end=0.1).entropy_weight
    np.testing.assert_allclose([float(weight(0)), float(weight(10))], [0.2, 0.1], rtol=1e-6)
    assert float(make("recurrent_ppo", clip=0.3).clip(10)) == 0.0
