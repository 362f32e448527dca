"""Each setting of the deep agents changes what a run logs, and bad settings are named."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from experiments import (
    a2c_cartpole,
    dqn_cartpole,
    ppo_cartpole,
    recurrent_ppo_cartpole_no_velocity,
    reinforce_cartpole,
    sac_pendulum,
    td3_pendulum,
)
from experiments.common import deep_agents
from lab.agents import watching
from tests.agents.identity import TwofoldIdentity
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory, brief


class Picture(gymnasium.Env):
    """Shows noise. The reward is 1 for action 0, else 0. Episodes have 7 steps."""

    observation_space, action_space = Box(0, 255, (36, 36, 1), np.uint8), Discrete(2)
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._look(), {}

    def step(self, action):
        self._t += 1
        return self._look(), float(action == 0), self._t == 7, False, {}

    def _look(self):
        return self.np_random.integers(0, 256, (36, 36, 1), np.uint8)


class Twofold(TwofoldIdentity):
    """An identity environment that can be drawn, as runs do at their end."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        super().__init__()
        self.render_mode = render_mode

    def render(self):
        return np.zeros((8, 8, 3), np.uint8)


gymnasium.register("Picture-v0", Picture)
gymnasium.register("Twofold-v0", Twofold)
SMALL = {"num_envs": 4, "rollout_length": 16, "hidden": (8,), "steps": 128, "evaluation_episodes": 2}
SHARED = {
    "environment": "Acrobot-v1", "environment_options": ("sutton_barto_reward=true",),
    "wrappers": ("gymnasium.wrappers:TimeLimit max_episode_steps=5",), "device": True, "steps": 192, "num_envs": 2,
    "rollout_length": 32, "discount": 0.5,
    "learning_rate": 0.005, "learning_rate_end": 0.01, "entropy_weight": 0.5, "max_gradient_norm": 1e-3, "hidden": (4, 4),
    "check_episodes": 2, "evaluation_episodes": 3,
}  # fmt: skip
VALUE = {"gae_lambda": 0.3, "value_weight": 5.0, "normalize_observations": True}
REPLAY = {
    "batch_size": 16, "buffer_size": 60, "learning_starts": 72, "rollout_length": 8, "steps": 96, "polyak": 0.5,
    "environment": "MountainCarContinuous-v0", "environment_options": ("g=5.0",),
}  # fmt: skip
OFF_POLICY = {
    "steps": 80, "learning_starts": 64, "hidden": (16,), "batch_size": 32, "buffer_size": 90, "rollout_length": 4,
    "evaluation_episodes": 2,
}  # fmt: skip
EXPERIMENTS = {
    "dqn": Alive(
        dqn_cartpole,
        {
            "steps": 128, "learning_starts": 64, "hidden": (32,), "updates": 4, "learning_rate": 0.1, "rollout_length": 16,
            "target_every": 3, "check_episodes": 2, "evaluation_episodes": 3, "buffer_size": 120, "batch_size": 64,
        },
        SHARED | {
            "steps": 160, "target": "plain", "loss": "huber", "learning_rate": 0.01, "learning_rate_power": 1.0,
            "batch_size": 16, "buffer_size": 80, "learning_starts": 96, "updates": 2, "target_every": 4, "polyak": 0.5,
            "averaging": 0.0,
            "epsilon_end": 0.9, "exploration_fraction": 1.0, "normalize_observations": False, "check_episodes": 3,
            "evaluation_episodes": 5,
        },
    ),
    "ppo": Alive(
        ppo_cartpole,
        SMALL | {"epochs": 2, "minibatches": 2, "learning_rate": 0.02, "clip_end": 0.2, "check_episodes": 0},
        SHARED | VALUE | {
            "epochs": 3, "minibatches": 4, "clip": 0.02, "clip_end": 0.02, "value_clip": 0.01, "entropy_weight_end": 0.5,
            "target_kl": 1e-3, "normalize_advantage": False, "normalize_rewards": True, "network": "nature",
            "activation": "relu", "orthogonal": False, "shared": True, "initial_log_scale": -1.0, "gsde": 4, "frame_stack": 2,
        },
        {
            "network": {"environment": "Picture-v0", "steps": 64, "shared": True},
            "clip_end": {"steps": 512},
            "initial_log_scale": {"environment": "Pendulum-v1"},
            "gsde": {"environment": "Pendulum-v1"},
            "evaluation_episodes": {"environment": "Pendulum-v1"},
        },
    ),
    "a2c": Alive(a2c_cartpole, SMALL | {"learning_rate": 0.01}, SHARED | VALUE | {"normalize_advantage": True}),
    "reinforce": Alive(
        reinforce_cartpole,
        SMALL | {"rollout_length": 32, "learning_rate": 0.01, "steps": 256},
        SHARED | {
            "rollout_length": 64, "steps": 512, "baseline": False, "normalize_advantage": False, "normalize_observations": True,
        },
    ),
    "recurrent_ppo": Alive(
        recurrent_ppo_cartpole_no_velocity,
        SMALL | {
            "rollout_length": 4, "units": 4, "epochs": 2, "minibatches": 2, "check_episodes": 0, "learning_rate": 0.02,
            "steps": 32,
        },
        SHARED | {
            "environment": "CartPole-v1", "steps": 48, "rollout_length": 8, "gae_lambda": 0.3, "epochs": 3,
            "minibatches": 4, "clip": 0.02, "normalize_observations": False, "cell": "layer_norm_gru", "units": 5,
        },
        {field: {"environment": "CartPole-v1"} for field in ("environment_options", "wrappers")},
    ),
    "sac": Alive(
        sac_pendulum,
        OFF_POLICY | {"updates": 2},
        SHARED | REPLAY | {
            "learning_rate": 0.01, "updates": 1, "temperature": "fixed", "initial_temperature": 0.1, "target_entropy": 0.5,
        },
    ),
    "td3": Alive(
        td3_pendulum,
        OFF_POLICY | {"updates": 4},
        SHARED | REPLAY | {
            "learning_rate": 0.01, "updates": 2, "policy_delay": 1, "critics": 1, "noise": 0.5, "smoothing": 0.0,
            "smoothing_clip": 0.01,
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result)."""
    return fields.remember(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    with brief():
        result = module.run(module.Config(**start | settings), track)
    assert len(track.models) == 1
    return track.logged, result


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    expected = observe(name)
    assert observed(tmp_path, name) == expected


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("ppo", {"minibatches": 5}, "--minibatches: expected a divisor of num_envs x rollout_length, 64, received 5"),
        ("ppo", {"minibatches": 64}, "--minibatches: expected parts of two steps and more to normalise, received 64"),
        ("ppo", {"hidden": ()}, r"--hidden: expected at least one layer, received \(\)"),
        ("ppo", {"clip": 0.0}, "--clip: expected a number > 0 and <= 1e.06, received 0.0"),
        (
            "ppo",
            {"network": "nature"},
            r"--environment: expected uint8 images of at least 36 x 36 pixels for --network nature, received shape \(4,\)",
        ),
        ("ppo", {"environment": "Picture-v0", "network": "nature", "gsde": 4}, "--gsde: expected 0 with --network nature"),
        (
            "ppo",
            {"environment": "Picture-v0", "network": "nature", "normalize_observations": True},
            "--normalize-observations: expected False with --network nature, received True",
        ),
        ("ppo", {"device": True, "frame_stack": 2}, "--frame-stack: expected 1 with --device, received 2"),
        ("a2c", {"environment": "Nothing-v0"}, "--environment: expected the id of a Gymnasium environment"),
        ("a2c", {"environment": "Picture-v0", "device": True}, "--environment: expected one of .* with --device"),
        ("reinforce", {"discount": 1.5}, "--discount: expected a number >= 0 and <= 1, received 1.5"),
        ("sac", {"environment": "CartPole-v1"}, "--environment: expected a Box action space, received Discrete"),
        ("sac", {"environment": "Pendulom-v1"}, r"--environment: expected the id of .* \(nearest: Pendulum-v1\)"),
        ("sac", {"batch_size": 600}, "--batch-size: expected at most buffer_size, 90, received 600"),
        (
            "sac",
            {"rollout_length": 300, "num_envs": 2},
            "--buffer-size: expected at least rollout_length x num_envs, 600, received 90",
        ),
        ("sac", {"learning_starts": 400}, "--learning-starts: expected less than steps, 80, received 400"),
        (
            "sac",
            {"temperature": "fixed", "target_entropy": 0.5},
            "--target-entropy: expected none with --temperature fixed, received 0.5",
        ),
        ("sac", {"hidden": ()}, r"--hidden: expected at least one layer, received \(\)"),
        ("sac", {"initial_temperature": 0.0}, "--initial-temperature: expected a number > 0 and <= 1e.06, received 0.0"),
        ("td3", {"environment": "CartPole-v1"}, "--environment: expected a Box action space, received Discrete"),
        ("td3", {"batch_size": 600}, "--batch-size: expected at most buffer_size, 90, received 600"),
        (
            "td3",
            {"rollout_length": 300, "num_envs": 2},
            "--buffer-size: expected at least rollout_length x num_envs, 600, received 90",
        ),
        ("td3", {"updates": 3}, "--updates: expected a multiple of policy_delay, 2, received 3"),
        ("td3", {"noise": -0.1}, "--noise: expected a number >= 0 and <= 1,000, received -0.1"),
    ],
)
def test_bad_settings(name, changes, words):
    module, start, *_ = EXPERIMENTS[name]
    with raises(words) as error:
        module.Config(**start | changes)
    assert len(str(error.value).splitlines()) == 1


def test_several_choices_at_once(tmp_path):
    logged, result = observed(tmp_path, "a2c", environment="Twofold-v0", check_episodes=2)
    assert len(logged) == 2
    assert all("check_return" in metrics for _, metrics in logged)
    assert 0 <= result["greedy_return"] <= 5


@pytest.mark.parametrize(("steps", "rollouts"), [(1_000, 8), (1_025, 16), (100_000, 784), (210_000, 1_649)])
def test_what_changes_linearly_does_so_until_training_ends(steps, rollouts):
    config = ppo_cartpole.Config(steps=steps, num_envs=4, rollout_length=32, learning_rate=1.0, learning_rate_end=0.0)
    schedules = deep_agents.Schedules(config)
    rate = schedules.learning_rate(5)
    np.testing.assert_allclose([float(rate(5 * rollouts * share)) for share in (0.5, 0.9, 1.0)], [0.5, 0.1, 0.0], atol=1e-6)
    clip = schedules.linear(0.2, 0.1)
    np.testing.assert_allclose(
        [float(clip(128 * rollouts * share)) for share in (0, 0.5, 0.9, 1)], [0.2, 0.15, 0.11, 0.1], rtol=1e-5
    )


@pytest.mark.slow
def test_host_environments_end_ten_episodes_between_two_boundaries(tmp_path):
    asked = []
    track = Memory(tmp_path)
    track.checkpoint_interval = lambda least, multiple: asked.append((least, multiple)) or 10_000
    for environment, device in (("CartPole-v1", False), (f"{__name__}:Twofold-v0", False), ("CartPole-v1", True)):
        module, start, *_ = EXPERIMENTS["a2c"]
        module.run(module.Config(**start | {"environment": environment, "device": device, "steps": 64}), track)
    assert [least for least, _ in asked] == [10 * 4 * 500, 10 * 4 * 1_000, 0]


def test_a_run_is_finished_where_no_picture_can_be_made(tmp_path, monkeypatch):
    def fails(environment, model, path, **options):
        raise RuntimeError("no screen")

    monkeypatch.setattr(watching, "record_episode", fails)
    track = Memory(tmp_path)
    watching.log_episode("CartPole-v1", None, track)
    assert track.said == ["no picture of an episode: no screen"]
