import gymnasium
import keras
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import envs
from envs.cartpole import CartPole


def host():
    return gymnasium.make("CartPole-v1").unwrapped


def test_whole_episodes_equal_gymnasiums():
    # From the same states and actions, float32 against Gymnasium's float64, until each episode ends.
    rng = np.random.default_rng(0)
    ours, theirs = CartPole(16), host()
    seed = keras.random.SeedGenerator(0)
    start = np.asarray(ours.initial(seed))
    actions = rng.integers(2, size=(200, 16))
    for b in range(16):
        theirs.reset(seed=0)
        theirs.state = start[b].astype(float)
        state, ended, t = start[b : b + 1], False, 0
        while not ended:
            state = ours.transition(state, actions[t, b : b + 1], seed)
            observation, reward, ended, _, _ = theirs.step(int(actions[t, b]))
            np.testing.assert_allclose(np.asarray(ours.observation(state, seed))[0], observation, atol=1e-5)
            assert bool(ours.terminal(state, seed)[0]) == ended
            assert float(ours.reward(None, None, state, seed)[0]) == reward
            t += 1
        assert t > 5


def test_single_steps_equal_gymnasiums_anywhere():
    # The dynamics are unstable: errors grow tenfold in 30 steps, so long episodes are compared step by step.
    rng = np.random.default_rng(1)
    states = (rng.uniform(-1, 1, size=(500, 4)) * [2.5, 3, 0.25, 3.5]).astype("float32")
    actions = rng.integers(2, size=500)
    seed = keras.random.SeedGenerator(0)
    ours = CartPole(500)
    following = ours.transition(states, actions, seed)
    ended = np.asarray(ours.terminal(following, seed))
    theirs = host()
    theirs.reset(seed=0)
    for b in range(500):
        theirs.state, theirs.steps_beyond_terminated = states[b].astype(float), None
        observation, _, terminated, _, _ = theirs.step(int(actions[b]))
        np.testing.assert_allclose(np.asarray(following)[b], observation, atol=1e-6)
        assert ended[b] == terminated
    assert 50 < ended.sum() < 450


def test_starting_states_are_uniform():
    states = np.asarray(CartPole(20_000).initial(keras.random.SeedGenerator(0)))
    assert states.min() >= -0.05
    assert states.max() < 0.05
    np.testing.assert_allclose(states.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(states.var(0), 0.1**2 / 12, rtol=0.03)


def test_as_a_gymnasium_environment():
    env = gymnasium.make("lab/CartPole-v1", render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=True)
    first, _ = env.reset(seed=4)
    again, _ = env.reset(seed=4)
    np.testing.assert_array_equal(first, again)
    assert (env.reset(seed=5)[0] != first).any()
    assert env.spec.max_episode_steps == 500
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((400, 600, 3), np.uint8)
    env.step(1)
    env.close()


def test_the_picture_is_gymnasiums():
    ours = gymnasium.make("lab/CartPole-v1", render_mode="rgb_array").unwrapped
    theirs = gymnasium.make("CartPole-v1", render_mode="rgb_array").unwrapped
    observation, _ = ours.reset(seed=0)
    theirs.reset(seed=0)
    theirs.state = observation.astype(float)
    np.testing.assert_array_equal(ours.render(), theirs.render())


def test_as_a_vector_environment():
    envs_ = gymnasium.make_vec("lab/CartPole-v1", num_envs=3, vectorization_mode="vector_entry_point")
    assert envs_.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    observation, _ = envs_.reset(seed=1)
    assert observation.shape == (3, 4)
    ended = 0
    for _ in range(30):
        previous = observation
        observation, reward, terminated, truncated, info = envs_.step(np.ones(3, int))
        np.testing.assert_array_equal(reward, 1)
        assert not truncated.any()
        if terminated.any():
            ended += terminated.sum()
            i = np.flatnonzero(terminated)[0]
            assert (np.abs(info["final_obs"][i]) > [2.4, 99, np.radians(12), 99]).any()
            assert (np.abs(observation[i]) < 0.05).all()
            assert info["_final_obs"].tolist() == terminated.tolist()
        else:
            assert (previous != observation).all()
    assert ended >= 3
    envs_.close()


def test_the_vector_environment_truncates_at_its_limit():
    envs_ = gymnasium.make_vec("lab/CartPole-v1", num_envs=2, max_episode_steps=4, vectorization_mode="vector_entry_point")
    envs_.reset(seed=0)
    flags = [envs_.step(np.array([0, 1]))[3].tolist() for _ in range(8)]
    assert flags == [[False] * 2] * 3 + [[True] * 2] + [[False] * 2] * 3 + [[True] * 2]


@pytest.mark.parametrize("environment", [CartPole])
def test_the_docstring_has_the_headings(environment):
    headings = ["Description", "Action space", "Observation space", "Starting state", "Reward", "Episode end", "References"]
    for heading in headings:
        assert f"## {heading}" in environment.__doc__
    assert "random policy" in environment.__doc__
    assert envs is not None
