"""Gymnasium environments as agents get them: one array, channels last, within their spaces."""

import importlib.util

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from lab.agents import environment_checks, environments
from tests.contracts import raises


class Toy(gymnasium.Env):
    """Shows the observations that it is given, from the reset on, and then the last one again."""

    action_space = spaces.Discrete(2)

    def __init__(self, space, shown=(), rewards=(1.0,), length=100, render_mode=None, actions=None):
        self.observation_space, self.shown, self.rewards, self.length = space, list(shown), list(rewards), length
        self.action_space = actions or self.action_space
        self.resets = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.resets += 1
        return self._look(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.t += 1
        reward = self.rewards[min(self.t, len(self.rewards)) - 1]
        return self._look(), reward, self.t == self.length, False, {}

    def _look(self):
        return self.shown[min(self.t, len(self.shown) - 1)] if self.shown else self.observation_space.sample()


@pytest.fixture
def toy(monkeypatch):
    """A function that registers a `Toy` and returns its id."""
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))

    def register(space, shown=(), **options):
        gymnasium.register("Toy-v0", Toy, kwargs={"space": space, "shown": shown} | options)
        return "Toy-v0"

    return register


PART = spaces.Box(-5, 5, (2,), np.float32)
FLATTENED = {
    "Box": (PART, np.array([1.5, -2], np.float32), [1.5, -2]),
    "Discrete": (spaces.Discrete(3), 2, [0, 0, 1]),
    "Discrete from 5": (spaces.Discrete(3, start=5), 6, [0, 1, 0]),
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), np.array([1, 0]), [0, 1, 1, 0, 0]),
    "MultiBinary": (spaces.MultiBinary(3), np.array([1, 0, 1], np.int8), [1, 0, 1]),
    "Tuple": (spaces.Tuple([PART, spaces.Discrete(2)]), (np.array([3, 4], np.float32), 0), [3, 4, 1, 0]),
    "Dict": (
        spaces.Dict(a=spaces.Dict(b=spaces.Discrete(2)), c=PART),
        {"a": {"b": 1}, "c": np.array([3, 4], np.float32)},
        [0, 1, 3, 4],
    ),
}


@pytest.mark.parametrize("name", FLATTENED)
def test_observations_become_one_box(toy, name):
    space, shown, expected = FLATTENED[name]
    env = environments.make(toy(space, [shown]))
    assert isinstance(env.observation_space, spaces.Box) and env.observation_space.shape == (len(expected),)
    observation, _ = env.reset(seed=0)
    np.testing.assert_array_equal(observation, expected)
    assert env.observation_space.contains(observation)
    environment_checks.check(env)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Text(5),
        spaces.Sequence(spaces.Discrete(2)),
        spaces.Graph(node_space=PART, edge_space=None),
        spaces.Dict(a=PART, b=spaces.Tuple([spaces.Text(5)])),
    ],
)
def test_other_observations_are_refused(toy, space):
    with raises("env: expected an observation space of Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, received"):
        environments.make(toy(space))


def frames(*shape):
    """Four frames in which all pixels are different."""
    size = int(np.prod(shape))
    return [np.arange(k * size, (k + 1) * size).reshape(shape).astype(np.uint8) for k in range(4)]


def played(env, steps):
    observation, _ = env.reset(seed=0)
    for _ in range(steps):
        observation = env.step(0)[0]
    assert env.observation_space.contains(observation)
    assert env.observation_space.shape == observation.shape and env.observation_space.dtype == observation.dtype
    return observation


def test_stacked_vectors_are_rows_the_oldest_first(toy):
    shown = [np.array([k, -k], np.float32) for k in range(4)]
    env = environments.make(toy(PART, shown), frame_stack=3)
    np.testing.assert_array_equal(played(env, 3), [[1, -1], [2, -2], [3, -3]])
    np.testing.assert_array_equal(
        played(env, 1), [[0, 0], [0, 0], [1, -1]]
    )  # before the start, the first observation is repeated


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 2)])
def test_stacked_images_lie_side_by_side_in_the_channels_the_oldest_first(toy, shape):
    shown = frames(*shape)
    env = environments.make(toy(spaces.Box(0, 255, shape, np.uint8), shown), frame_stack=2)
    channels = [x if len(shape) == 3 else x[..., None] for x in shown]
    np.testing.assert_array_equal(played(env, 3), np.concatenate(channels[2:], axis=-1))
    environment_checks.check(env)


def test_flat_observations_are_stacked_too(toy):
    env = environments.make(toy(spaces.Discrete(3), [0, 1, 2]), frame_stack=2)
    np.testing.assert_array_equal(played(env, 2), [[0, 1, 0], [0, 0, 1]])


def test_vectors_reset_in_the_step_that_ends_an_episode(toy):
    shown = [np.full(2, k, np.float32) for k in range(3)]
    envs = environments.make_vector(toy(PART, shown, length=2), 3)
    assert (envs.num_envs, envs.metadata["autoreset_mode"]) == (3, AutoresetMode.SAME_STEP)
    envs.reset(seed=0)
    envs.step(np.zeros(3, int))
    observation, _, terminated, _, info = envs.step(np.zeros(3, int))
    assert terminated.all()
    np.testing.assert_array_equal(observation, np.zeros((3, 2)))
    np.testing.assert_array_equal(np.stack(info["final_obs"]), np.full((3, 2), 2.0))


@pytest.mark.parametrize("frame_stack", [1, 2])
def test_the_laboratorys_own_environments_are_found(frame_stack):
    shape = (4,) if frame_stack == 1 else (2, 4)
    assert environments.make("lab/CartPole-v1", frame_stack=frame_stack).observation_space.shape == shape
    envs = environments.make_vector("lab/CartPole-v1", 3, frame_stack=frame_stack)
    assert (envs.num_envs, envs.metadata["autoreset_mode"]) == (3, AutoresetMode.SAME_STEP)
    assert envs.reset(seed=[1, 2, 3])[0].shape == (3, *shape)


GOOD = np.zeros(2, np.float32)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ([np.array([0, 9], np.float32)], r"env: expected of reset an observation in Box.*, received \[0. 9.\]"),
        (
            [GOOD, GOOD, np.array([0, np.nan], np.float32)],
            r"env: expected of step an observation in Box.*, received \[ 0. nan\]",
        ),
        ([GOOD, np.zeros(3, np.float32)], r"env: expected of step an observation in Box.*, received shape \(3,\), float32"),
        ([[0.0, "x"]], "env: expected of reset an observation in Box.*, received"),
        ([GOOD.astype(np.float64)], "env: expected of reset an observation in Box.*, received"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Casting input")
def test_an_environment_that_leaves_its_observation_space_is_named(shown, words):
    with raises(words) as error:
        environment_checks.check(Toy(PART, shown))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("reward", [np.nan, np.inf, None, np.ones(1), "1"])
def test_a_reward_that_is_no_finite_number_is_named(reward):
    with raises("env: expected a finite number as reward, received"):
        environment_checks.check(Toy(PART, rewards=(0.0, reward)))


def test_good_environments_pass_whatever_numbers_their_rewards_are():
    for reward in (1, 1.5, np.float32(2), np.int64(3), True):
        env = Toy(PART, rewards=(reward,), length=4)
        environment_checks.check(env, steps=10)
        assert env.resets == 4  # for the interface, at the start, and where episodes end


def test_actions_that_no_policy_takes_are_named():
    with raises("action space: expected Discrete, MultiDiscrete, MultiBinary or Box, received Dict"):
        environment_checks.check(Toy(PART, actions=spaces.Dict(a=spaces.Discrete(2))))


def test_messages_have_one_line_however_long_the_bounds():
    wide = spaces.Box(np.linspace(-3, -1, 60, dtype=np.float32), np.linspace(1, 3, 60, dtype=np.float32))
    for env in (Toy(wide, [np.full(60, 9, np.float32)]), Toy(PART, actions=spaces.Box(-np.inf, np.inf, (60,)))):
        with raises("expected") as error:
            environment_checks.check(env)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.skipif(importlib.util.find_spec("ale_py") is not None, reason="Atari is installed")
def test_atari_says_how_to_install_it():
    with raises(r"--environment: expected pip install '.\[atari\]' for ALE/Pong-v5"):
        environments.make("ALE/Pong-v5")


def test_an_environment_without_a_time_limit_gets_one(monkeypatch):
    monkeypatch.setattr(environments, "LONGEST_EPISODE", 7)
    env = environments.make("CliffWalking-v1")
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(7)] == [False] * 6 + [True]  # upwards, against the wall
    assert environments.make("CartPole-v1").spec.max_episode_steps == 500
