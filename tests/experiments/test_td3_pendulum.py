"""Every setting is alive: changing it changes what the run logs."""

import dataclasses

import pytest

from experiments.td3_pendulum import Config, run
from tests.experiments.track import Memory, brief

BASE = {
    "steps": 80, "learning_starts": 64, "hidden": (16,), "batch_size": 32, "buffer_size": 90, "rollout_length": 4, "updates": 4,
    "evaluation_episodes": 2,
}  # fmt: skip
CHANGES = {
    "environment": "MountainCarContinuous-v0", "environment_options": ("g=5.0",),
    "wrappers": ("gymnasium.wrappers:TimeLimit max_episode_steps=5",), "device": True, "steps": 96, "num_envs": 2, "discount": 0.5,
    "learning_rate": 0.01, "polyak": 0.5, "batch_size": 16, "buffer_size": 60, "learning_starts": 72, "rollout_length": 8,
    "updates": 2, "policy_delay": 1, "critics": 1, "noise": 0.5, "smoothing": 0.0, "smoothing_clip": 0.01, "hidden": (4, 4),
    "check_episodes": 2, "evaluation_episodes": 3,
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"environment": "CartPole-v1"}, "--environment: expected a Box action space, received Discrete"),
        ({"batch_size": 600}, "--batch-size: expected at most buffer_size, 90, received 600"),
        (
            {"rollout_length": 300, "num_envs": 2},
            "--buffer-size: expected at least rollout_length x num_envs, 600, received 90",
        ),
        ({"updates": 3}, "--updates: expected a multiple of policy_delay, 2, received 3"),
        ({"noise": -0.1}, "--noise: expected a number >= 0 and <= 1,000, received -0.1"),
    ],
)
def test_bad_settings(changes, words):
    with pytest.raises(ValueError, match=words):
        Config(**BASE | changes)
