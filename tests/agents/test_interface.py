"""Environments as people write them: which work, and which are refused, in one line."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from lab.agents import HostRollout, environment_checks, environments, evaluate
from lab.agents.watching import greedy_policy
from tests.agents.identity import vectorize
from tests.contracts import raises


class Clock(gymnasium.Env):
    """Shows the step of the episode, which has three. It takes no render_mode.

    Actions must have the dtype of their space.
    """

    observation_space, action_space = spaces.Box(-100, 100, (1,), np.float32), spaces.Discrete(2)

    def __init__(self, length=3):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.look(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.t += 1
        return self.look(), 1.0, self.t == self.length, False, {}

    def look(self):
        return np.array([self.t], np.float32)


class Bytes(Clock):
    action_space = spaces.MultiDiscrete([3, 2], dtype=np.uint8)


class Single(Clock):
    observation_space = spaces.Box(-100, 100, (), np.float32)

    def look(self):
        return np.array(self.t, np.float32)


class Names(Clock):
    """Its infos have names that vector environments use."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"final_obs": 7}

    def step(self, action):
        return *super().step(action)[:4], {"final_obs": self.t, "_final_obs": True, "final_info": 3, "other": 1}


class Buffer(Clock):
    """Returns the same array in each step."""

    def __init__(self, length=3):
        self.length, self.buffer = length, np.zeros(1, np.float32)

    def look(self):
        self.buffer[0] = self.t or -50
        return self.buffer


class Wide(Clock):
    observation_space = spaces.Box(0, 2**50, (1,), np.int64)

    def look(self):
        return np.array([1_700_000_000_000])


class Unbounded(Wide):
    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.int64)


class NoSeed(Clock):
    def reset(self):
        return self.look(), {}


class OneValue(Clock):
    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32)


class FourValues(Clock):
    def step(self, action):
        return self.look(), 1.0, False, {}


class Broken(Clock):
    def step(self, action):
        raise KeyError("door")


class Double(Clock):
    def look(self):
        return np.array([self.t], np.float64)


class Mission(Clock):
    observation_space = spaces.Dict(place=spaces.Box(0, 1, (2,)), mission=spaces.Text(5))


class Camera(Clock):
    observation_space = spaces.Dict(camera=spaces.Box(0, 255, (8, 8, 3), np.uint8), speed=spaces.Box(0, 1, (2,)))

    def look(self):
        return self.observation_space.sample()


@pytest.fixture
def registered():
    """A function that registers a class for one test and returns its id."""
    before = set(gymnasium.registry)

    def register(kind):
        gymnasium.register(f"Test/{kind.__name__}-v0", kind)
        return f"Test/{kind.__name__}-v0"

    yield register
    for name in set(gymnasium.registry) - before:
        del gymnasium.registry[name]


class Always:
    """An agent that always takes one action, in the dtype in which agents compute."""

    def __init__(self, action):
        self.action = np.asarray(action)

    def host_policy(self, generator=None):
        return lambda observation, start: (np.stack([self.action] * len(observation)), {"sample": observation})


def collected(kind, action=1, steps=7, vector=environments.make_vector):
    rollout = HostRollout.__new__(HostRollout)  # compiles nothing
    rollout.agent, rollout.envs, rollout.seed, rollout.num_envs = Always(action), vector(kind, 2), 0, 2
    rollout._finished = []
    rollout.reset(0)
    return rollout.collect(steps)


@pytest.mark.parametrize("kind", [Clock, Single, Names, Buffer, Bytes])
def test_every_way_to_make_an_environment_works_where_one_does(kind, registered):
    name, action = registered(kind), [2, 1] if kind is Bytes else 1
    environment_checks.require_environment(name, check=environment_checks.check, make=environments.make)
    for way in (name, kind, lambda length=3: kind(length)):
        assert environments.make(way, options={"length": 5}).unwrapped.length == 5
        trajectory = collected(way, action)
        np.testing.assert_array_equal(trajectory.next_observation[:, 0].ravel(), [1, 2, 3, 1, 2, 3, 1])
        np.testing.assert_array_equal(trajectory.terminated[:, 0], [False, False, True, False, False, True, False])
        np.testing.assert_array_equal(evaluate(Always(action), environments.make_vector(way, 2), episodes=2, seed=0), [3, 3])
        assert environments.make(way).observation_space.shape == (1,)


class Every(Names):
    """Its infos have names that vector environments use, but not those of a reset."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {}


def test_episodes_end_where_they_terminate_whatever_a_bare_vector_environment_tells():
    trajectory = collected(Every, vector=vectorize)
    np.testing.assert_array_equal(trajectory.next_observation[:, 0].ravel(), [1, 2, 3, 1, 2, 3, 1])
    with pytest.raises(RuntimeError, match=r"expected its last observation as info\['final_obs'\], received .*7.*make_vector"):
        collected(Names, vector=vectorize)


def test_infos_keep_all_but_the_names_of_vector_environments():
    env = environments.make(Names)
    env.reset()
    assert env.step(1)[4] == {"other": 1}


def test_policies_of_models_act_in_the_dtype_of_the_space():
    import keras

    for space, outputs in (
        (Bytes.action_space, 5),
        (spaces.Discrete(2, dtype=np.uint8), 2),
        (spaces.Box(-1, 1, (2,), np.float64), 2),
    ):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(outputs)])
        action = greedy_policy(model, space)(np.ones(1, np.float32))
        assert space.contains(action) and action.dtype == space.dtype


REFUSED = {
    NoSeed: r"expected reset\(seed, options\) to return \(observation, info\), received TypeError: .*unexpected .* 'seed'",
    OneValue: r"expected reset\(seed, options\) to return \(observation, info\), received ndarray",
    FourValues: r"expected step\(action\) to return .*truncated, info\), received \(ndarray, float, bool, dict\)",
    Broken: r"expected step\(action\) to return .*, received KeyError: 'door'",
    Double: r"expected of reset an observation in Box.*, received float64 \[0.\]; return observation.astype\('float32'\)",
    Wide: r"expected bounds that fit int32, -2147483648 to 2147483647, received 0 to 1125899906842624",
    Mission: r"expected an observation space of .*, received Text\(.*\) at \['mission'\]",
}


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_one_line_says_what_is_wrong_with_an_environment(kind, registered):
    with raises(f"--environment: .*{REFUSED[kind]}") as error:
        environment_checks.require_environment(registered(kind), check=environment_checks.check, make=environments.make)
    assert len(str(error.value).splitlines()) == 1


def test_an_array_that_is_used_again_is_seen_by_the_check_of_the_bare_environment():
    with raises("env: expected a new array as each observation, received one that step changes; return a copy"):
        environment_checks.check(Buffer())
    environment_checks.check(environments.make(Buffer))


def test_numbers_without_bounds_are_looked_at_as_they_come():
    environment_checks.check(environments.make(Unbounded))
    with pytest.raises(RuntimeError, match="expected observations that fit int32, received 1700000000000"):
        collected(Unbounded)


def test_an_id_has_its_version_with_a_package_before_it_too(registered):
    registered(Clock)
    environment_checks.require_environment("tests.agents.test_interface:Test/Clock-v0", make=environments.make)
    assert environments.time_limit("tests.agents.test_interface:Test/Clock-v0") is None
    with raises(r"expected the id of a Gymnasium environment, received .*Test/Clock' \(nearest: Test/Clock-v0\)"):
        environment_checks.require_environment("tests.agents.test_interface:Test/Clock", make=environments.make)
    with raises("--environment: expected a package that can be imported for X-v0, received ModuleNotFoundError"):
        environment_checks.require_environment("no_such_package:X-v0")


def test_wrappers_and_options_from_a_command_line():
    settings = {"environment_options": ["length=4"], "wrappers": ("gymnasium.wrappers:TimeLimit max_episode_steps=2",)}
    env = environments.make(Clock, **environments.arguments(settings))
    env.reset()
    assert env.unwrapped.length == 4 and [env.step(1)[3] for _ in range(2)] == [False, True]
    assert environments.parse_options(["a=1.5", "b=true", "c=[1,2]", "d=8x8", "e="]) == {
        "a": 1.5,
        "b": True,
        "c": [1, 2],
        "d": "8x8",
        "e": "",
    }
    choose = ('gymnasium.wrappers:FilterObservation filter_keys=["camera"]',)
    env = environments.make(Camera, wrappers=choose)
    assert env.observation_space == spaces.Box(0, 255, (8, 8, 3), np.uint8) and env.reset(seed=0)[0].shape == (8, 8, 3)
    environment_checks.check(env)
    for wrapper in ("nothing", "gymnasium.wrappers:Nothing", "gymnasium.wrappers:TimeLimit steps=3"):
        with raises('--wrappers: expected a wrapper as "module:name argument=value ..."'):
            environments.make(Clock, wrappers=(wrapper,))
    for flag, settings in (("--wrappers", {"wrappers": ["a:b c"]}), ("--environment-options", {"environment_options": ["c"]})):
        with raises(f"{flag}: expected name=value, received 'c'"):
            environments.make(Clock, **environments.arguments(settings))


@pytest.mark.parametrize("given", [3, Clock(), lambda: 5], ids=["number", "environment", "function"])
def test_what_makes_no_environment(given):
    with raises("env: expected an id, or a class or function that makes a gymnasium.Env, received (int|Clock)"):
        environments.make(given)
