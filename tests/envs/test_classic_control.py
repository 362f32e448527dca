"""The functional environments: equality with Gymnasium's, in three forms, and their docstrings."""

import re
import subprocess
import sys
import warnings
from importlib import import_module

import gymnasium
import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from keras import ops
from scipy import stats

import envs
from envs.functional import functional, wrap_angle
from lab import engine

NAMES = list(envs.FUNCTIONAL)
# For each environment: bounds of starting states, and of states at which steps are compared.
CART = ([-0.05] * 4, [0.05] * 4), ([-2.5, -3, -0.25, -3.5], [2.5, 3, 0.25, 3.5])
CAR = ([-0.6, 0], [-0.4, 0]), ([-1.2, -0.07], [0.6, 0.07])
FASTEST = np.array([np.pi, np.pi, 4 * np.pi, 9 * np.pi])
STATES = {
    "CartPole-v1": CART,
    "CartPoleNoVelocity-v1": CART,
    "Acrobot-v1": (([-0.1] * 4, [0.1] * 4), (-FASTEST / [1, 1, 2, 2], FASTEST / [1, 1, 2, 2])),
    "MountainCar-v0": CAR,
    "MountainCarContinuous-v0": CAR,
    "Pendulum-v1": (([-np.pi, -1], [np.pi, 1]), ([-3 * np.pi, -8], [3 * np.pi, 8])),
}
each = pytest.mark.parametrize("name", NAMES)


class Original:
    """Gymnasium's environment, put into any state."""

    def __init__(self, name):
        self.env = gymnasium.make(name.replace("NoVelocity", ""), disable_env_checker=True).unwrapped
        self.observed = slice(None, None, 2) if "NoVelocity" in name else slice(None)
        self.env.reset(seed=0)

    def put(self, state):
        self.env.state = np.asarray(state, np.float64)
        self.env.steps_beyond_terminated = self.env.last_u = None
        return self

    def step(self, action):
        observation, reward, terminated, _, _ = self.env.step(int(action) if np.ndim(action) == 0 else action)
        return observation[self.observed], reward, terminated


def seed():
    return keras.random.SeedGenerator(0)


def random_actions(space, *shape):
    """Within the space, and for a Box beyond its bounds too."""
    rng = np.random.default_rng(1)
    if isinstance(space, Discrete):
        return rng.integers(space.n, size=shape)
    return (1.5 * rng.uniform(space.low, space.high, size=(*shape, *space.shape))).astype("float32")


def push(name, observation):
    """Actions that end an episode soon: the way things move already."""
    if "CartPole" in name:
        return np.ones(len(observation), int)
    forwards = observation[:, -1] >= 0
    return forwards[:, None] * np.float32(2) - 1 if name in ("MountainCarContinuous-v0", "Pendulum-v1") else 2 * forwards


def step(env, state, action):
    """(next state, observation, reward, terminated), as arrays."""
    rng = seed()
    following = env.transition(state, action, rng)
    parts = env.observation(following, rng), env.reward(state, action, following, rng), env.terminal(following, rng)
    return [ops.convert_to_numpy(x) for x in (following, *parts)]


@each
def test_single_steps_equal_gymnasiums_anywhere(name):
    # The dynamics are unstable (errors of CartPole grow tenfold in 30 steps), so single steps are
    # compared.
    env, _ = functional(name, 500)
    low, high = np.array(STATES[name][1])
    states = np.random.default_rng(0).uniform(low, high, size=(500, len(low))).astype("float32")
    actions = random_actions(env.action_space, 500)
    _, observations, rewards, terminated = step(env, states, actions)
    theirs = Original(name)
    for b in range(500):
        expected = theirs.put(states[b]).step(actions[b])
        np.testing.assert_allclose(observations[b], expected[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(rewards[b], expected[1], rtol=1e-5, atol=1e-6)
        assert terminated[b] == expected[2]
    assert terminated.sum() == 0 if name == "Pendulum-v1" else 10 < terminated.sum() < 450


def test_speeds_of_acrobot_are_clipped_as_gymnasiums():
    # Near these speeds a step of 0.2 s magnifies the rounding errors of float32.
    states = np.random.default_rng(0).uniform(-FASTEST, FASTEST, size=(500, 4)).astype("float32")
    _, observations, _, _ = step(functional("Acrobot-v1", 500)[0], states, np.zeros(500, int))
    theirs = Original("Acrobot-v1")
    for b in range(500):
        np.testing.assert_allclose(observations[b], theirs.put(states[b]).step(0)[0], rtol=3e-4, atol=3e-4)
    assert ((np.abs(observations[:, 4:]) >= FASTEST[2:] - 1e-5).sum(axis=0) > 10).all()


def whole_episodes(name, start, actions):
    """Gymnasium's results `[B][T]` from starting states, until each episode ends.

    `actions` `[T, B, ...]` may be overwritten.
    """
    episodes = []
    for b, observation in enumerate(start):
        theirs, episode, ended = Original(name).put(observation), [], False
        while not ended and len(episode) < len(actions):
            if "MountainCar" in name:  # random actions reach no goal
                actions[len(episode), b] = push(name, observation[None])[0]
            observation, reward, ended = theirs.step(actions[len(episode), b])
            episode.append((observation, reward, ended))
        episodes.append(episode)
    return episodes


@pytest.mark.slow
@each
def test_whole_episodes_equal_gymnasiums(name):
    # Same states and actions, compiled float32 against Gymnasium's float64, until each episode
    # ends. The double pendulum is chaotic at high speeds. Near the top of the single pendulum
    # errors grow fiftyfold each second.
    env, limit = functional(name, 16)
    limit = 100 if name in ("Acrobot-v1", "Pendulum-v1") else limit
    tolerance = {"CartPole-v1": 1e-4, "Pendulum-v1": 1e-3}.get(name, 1e-5)
    rng = seed()
    state = keras.Variable(env.initial(rng), trainable=False)
    actions = random_actions(env.action_space, limit, 16)
    episodes = whole_episodes(name, ops.convert_to_numpy(state), actions)

    def one(action):
        before = ops.copy(state.value)
        following = env.transition(before, action, rng)
        state.assign(following)
        return env.observation(following, rng), env.reward(before, action, following, rng), env.terminal(following, rng)

    ours = engine.compile(lambda xs: engine.scan(one, [state], xs), [state])(actions)
    observations, rewards, terminated = (np.asarray(x) for x in ours)
    for b, episode in enumerate(episodes):
        assert len(episode) > 5
        assert episode[-1][2] == ("Car" in name)
        for t, (observation, reward, ended) in enumerate(episode):
            np.testing.assert_allclose(observations[t, b], observation, rtol=1e-5, atol=tolerance)
            np.testing.assert_allclose(rewards[t, b], reward, rtol=1e-5, atol=tolerance)
            assert terminated[t, b] == ended


@each
def test_starting_states_are_uniform(name):
    states = ops.convert_to_numpy(functional(name, 20_000)[0].initial(seed()))
    low, high = np.array(STATES[name][0])
    assert (states >= low - 1e-6).all()
    assert (states <= high + 1e-6).all()
    for column, a, b in zip(states.T, low, high):
        assert a == b or stats.kstest(column, stats.uniform(a, b - a).cdf).pvalue > 1e-3
    moving = states[:, low < high]
    correlations = np.corrcoef(moving.T).reshape(moving.shape[1], -1) - np.eye(moving.shape[1])
    assert np.abs(correlations).max() < 0.03
    reset = Original(name).env
    theirs = np.array([(reset.reset(), reset.state)[1] for _ in range(200)])
    assert (theirs >= low).all()
    assert (theirs <= high).all()
    np.testing.assert_allclose(np.ptp(theirs, axis=0), high - low, rtol=0.1)


def test_angles_are_wrapped():
    angles = np.array([0, 3, -3, np.pi, 4, -4, 7, 100], "float32")
    wrapped = ops.convert_to_numpy(wrap_angle(angles))
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angles.astype(float)), atol=1e-5)
    assert (np.abs(wrapped) <= np.float32(np.pi)).all()
    np.testing.assert_array_equal(wrapped[:3], angles[:3])
    for name, angles in (("Pendulum-v1", 1), ("Acrobot-v1", 2)):
        low, high = np.array(STATES[name][1])
        states = np.random.default_rng(0).uniform(low, high, size=(100, len(low))).astype("float32")
        env, _ = functional(name, 100)
        following, *_ = step(env, states, random_actions(env.action_space, 100))
        assert (np.abs(following[:, :angles]) <= np.float32(np.pi)).all()


@each
def test_registered_as_gymnasiums(name):
    ours, theirs = gymnasium.make(f"lab/{name}"), Original(name)
    expected = gymnasium.spec(theirs.env.spec.id)
    assert (ours.spec.max_episode_steps, ours.spec.reward_threshold) == (expected.max_episode_steps, expected.reward_threshold)
    box = theirs.env.observation_space
    assert ours.observation_space == Box(box.low[theirs.observed], box.high[theirs.observed])
    assert ours.action_space == theirs.env.action_space
    assert ours.metadata["render_fps"] == theirs.env.metadata["render_fps"]


@pytest.mark.slow
@each
def test_as_a_gymnasium_environment(name):
    env = gymnasium.make(f"lab/{name}", render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*value is -?infinity.*")  # CartPole's speeds
        warnings.filterwarnings("ignore", ".*symmetric and normalized space.*")  # Pendulum's torques, as Gymnasium's
        check_env(env.unwrapped)
    first, _ = env.reset(seed=4)
    again, _ = env.reset(seed=4)
    np.testing.assert_array_equal(first, again)
    assert (env.reset(seed=5)[0] != first).any()
    one = env.step(env.action_space.sample())
    assert one[0].dtype == np.float32
    assert isinstance(one[1], float)
    if isinstance(env.action_space, Box):
        env.step(np.zeros(1, np.float64))
    env.close()


@each
def test_the_picture_is_gymnasiums(name):
    ours = gymnasium.make(f"lab/{name}", render_mode="rgb_array").unwrapped
    theirs = Original(name)
    theirs.env.render_mode = "rgb_array"
    low, high = np.array(STATES[name][1])
    pictures = []
    for state in np.random.default_rng(2).uniform(low, high, size=(3, len(low))).astype("float32"):
        ours.reset(seed=0)
        ours._state = state[None]
        pictures.append(ours.render())
        np.testing.assert_array_equal(pictures[-1], theirs.put(state).env.render())
    assert (pictures[0] != pictures[1]).any()
    assert pictures[0].dtype == np.uint8
    ours.close()
    theirs.env.close()


def test_human_rendering_opens_a_window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with pytest.warns(UserWarning, match="HumanRendering wrapper is being applied"):
        env = gymnasium.make("lab/Acrobot-v1", render_mode="human")
    env.reset(seed=0)
    assert env.render_mode == "human"
    env.close()


@pytest.mark.slow
@each
def test_as_a_vector_environment(name):
    # At least three episodes end. `final_obs` has their last observations, the next observations
    # are those of new episodes.
    vector = gymnasium.make_vec(f"lab/{name}", num_envs=3, vectorization_mode="vector_entry_point")
    env, limit = functional(name, 3)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert vector.metadata["render_fps"] == env.render_fps
    starts = functional(name, 5_000)[0]
    low, high = (f(ops.convert_to_numpy(starts.observation(starts.initial(seed()), seed())), axis=0) for f in (np.min, np.max))
    observation, _ = vector.reset(seed=1)
    assert observation.shape == (3, *env.observation_space.shape)
    ended, length = 0, np.zeros(3, int)
    while ended < 3:
        action = push(name, observation)
        _, expected, rewards, terminals = step(env, vector._state, action)
        observation, reward, terminated, truncated, info = vector.step(action)
        length += 1
        np.testing.assert_array_equal(terminated, terminals)
        np.testing.assert_array_equal(truncated, length >= limit)
        np.testing.assert_array_equal(reward, rewards)
        new = terminated | truncated
        np.testing.assert_array_equal(observation[~new], expected[~new])
        if new.any():
            assert info["_final_obs"].tolist() == new.tolist()
            np.testing.assert_array_equal(info["final_obs"][new], expected[new])
            assert (observation[new] != expected[new]).any(axis=1).all()
            assert (np.abs(observation[new] - (low + high) / 2) <= (high - low) / 2 * 1.01 + 1e-6).all()
        ended, length[new] = ended + new.sum(), 0
    assert truncated.any() == (name == "Pendulum-v1")
    vector.close()


@each
def test_the_vector_environment_truncates_at_its_limit(name):
    vector = gymnasium.make_vec(f"lab/{name}", num_envs=2, max_episode_steps=4, vectorization_mode="vector_entry_point")
    vector.reset(seed=0)
    flags = [vector.step(np.zeros(vector.action_space.shape))[3].tolist() for _ in range(8)]
    assert flags == [[False] * 2] * 3 + [[True] * 2] + [[False] * 2] * 3 + [[True] * 2]


def docstring(name):
    module, cls = envs.FUNCTIONAL[name][0].split(":")
    return getattr(import_module(module), cls).__doc__


@each
def test_the_docstring_has_the_headings(name):
    headings = ["Description", "Action space", "Observation space", "Starting state", "Reward", "Episode end", "References"]
    assert re.findall("## (.*)", docstring(name)) == headings
    assert f"after {functional(name, 1)[1]} steps, by the wrapper" in docstring(name)


@pytest.mark.slow
@each
def test_random_policies_score_what_the_docstring_says(name):
    count = 2_000
    env, limit = functional(name, count)
    rng, space = seed(), env.action_space
    state = keras.Variable(env.initial(rng), trainable=False)
    going = keras.Variable(np.ones(count), dtype="float32", trainable=False)

    def one(_):
        before = ops.copy(state.value)
        if isinstance(space, Discrete):
            action = keras.random.randint((count,), 0, int(space.n), seed=rng)
        else:
            action = keras.random.uniform((count, *space.shape), float(space.low[0]), float(space.high[0]), seed=rng)
        following = env.transition(before, action, rng)
        reward = going.value * env.reward(before, action, following, rng)
        state.assign(following)
        going.assign(going.value * ops.cast(ops.logical_not(env.terminal(following, rng)), "float32"))
        return reward

    variables = [state, going, rng.state]
    returns = np.asarray(engine.compile(lambda: engine.scan(one, variables, length=limit), variables)()).sum(axis=0)
    (said,) = re.findall(r"Mean return: random policy (-?[\d.]*\d),", docstring(name))
    rounding = 0.5 * 10.0 ** -len(said.partition(".")[2])
    assert abs(returns.mean() - float(said)) < rounding + 4 * returns.std() / np.sqrt(count)


def test_functional_knows_both_ids_and_refuses_others():
    for name in ("Acrobot-v1", "lab/Acrobot-v1"):
        env, limit = functional(name, 7)
        assert (type(env).__name__, env.num_envs, limit) == ("Acrobot", 7, 500)
    assert functional("CartPoleNoVelocity-v1", 2)[0].observation(np.zeros((2, 4)), None).shape == (2, 2)
    words = "environment: expected one of CartPole-v1, .*, Pendulum-v1 on the device, received 'LunarLander-v3'."
    with pytest.raises(ValueError, match=words):
        functional("LunarLander-v3", 1)


def test_to_ask_for_a_functional_problem_costs_no_keras():
    code = (
        "import envs, sys; assert 'Acrobot-v1' in envs.FUNCTIONAL; assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
