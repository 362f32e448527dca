import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from lab import engine
from lab.agents import Trajectory, UniformReplay

SPACE = Box(-1, 1, (2,), np.float32)


def trajectory(values, envs=1):
    """A trajectory in which rewards, actions and observations all are the number of the step."""
    values = np.asarray(values, np.float32).reshape(-1, envs)
    pair = np.stack([values, -values], -1)
    ended = values % 2 == 1
    return Trajectory(pair, values.astype(np.int64), values, ended, ended & False, pair + 0.5, {})


def contents(replay):
    return np.asarray(replay.storage.reward)


def test_a_ring_in_the_order_of_arrival():
    replay = UniformReplay(5, SPACE, Discrete(9), seed=0)
    add = engine.compile(replay.add, replay.variables)
    add(trajectory([1, 2, 3]))
    np.testing.assert_array_equal(contents(replay), [1, 2, 3, 0, 0])
    add(trajectory([4, 5, 6]))
    np.testing.assert_array_equal(contents(replay), [6, 2, 3, 4, 5])
    for start in range(7, 100, 3):
        add(trajectory([start, start + 1, start + 2]))
        assert set(contents(replay)) == set(range(start - 2, start + 3))


def test_fields_stay_together():
    replay = UniformReplay(50, SPACE, Discrete(60), seed=0)
    engine.compile(replay.add, replay.variables)(trajectory(range(40), envs=4))
    batch = engine.compile(lambda: replay.sample(200), replay.variables)()
    batch = type(batch)(*map(np.asarray, batch))
    np.testing.assert_array_equal(batch.observation, np.stack([batch.reward, -batch.reward], -1))
    np.testing.assert_array_equal(batch.next_observation, batch.observation + 0.5)
    np.testing.assert_array_equal(batch.action, batch.reward.astype(int))
    np.testing.assert_array_equal(batch.terminated, batch.reward % 2 == 1)


def test_sampling_is_uniform_over_what_is_there_only():
    replay = UniformReplay(100, SPACE, Discrete(60), seed=3)
    engine.compile(replay.add, replay.variables)(trajectory(range(1, 11)))
    drawn = np.asarray(engine.compile(lambda: replay.sample(20_000), replay.variables)().reward)
    counts = np.bincount(drawn.astype(int), minlength=11)
    assert counts[0] == 0
    assert len(counts) == 11
    chi2 = ((counts[1:] - 2000) ** 2 / 2000).sum()
    assert chi2 < 27.9  # the 0.999 quantile of chi-square with 9 degrees of freedom


@pytest.mark.slow
def test_samples_go_on_and_repeat_by_seed():
    def draw(seed):
        replay = UniformReplay(100, SPACE, Discrete(60), seed=seed)
        engine.compile(replay.add, replay.variables)(trajectory(range(50)))
        sample = engine.compile(lambda: replay.sample(16), replay.variables)
        return np.concatenate([np.asarray(sample().reward) for _ in range(2)])

    np.testing.assert_array_equal(draw(1), draw(1))
    assert (draw(1) != draw(2)).any()
    assert (draw(1)[:16] != draw(1)[16:]).any()


def test_observations_keep_rank_and_dtype():
    image = Box(0, 255, (4, 4, 3), np.uint8)
    replay = UniformReplay(8, image, Discrete(2), seed=0)
    frames = np.arange(2 * 48, dtype=np.uint8).reshape(2, 1, 4, 4, 3)
    zeros = np.zeros((2, 1))
    step = Trajectory(frames, zeros.astype(int), zeros.astype("float32"), zeros > 0, zeros > 0, frames, {})
    engine.compile(replay.add, replay.variables)(step)
    batch = engine.compile(lambda: replay.sample(4), replay.variables)()
    assert np.asarray(batch.observation).dtype == np.uint8
    assert np.asarray(batch.observation).shape == (4, 4, 4, 3)


def test_bad_input():
    with pytest.raises(ValueError, match="capacity: expected an integer >= 1, received 0"):
        UniformReplay(0, SPACE, Discrete(2), seed=0)
    replay = UniformReplay(2, SPACE, Discrete(2), seed=0)
    with pytest.raises(ValueError, match="expected at most the replay's 2 steps, received 3"):
        replay.add(trajectory([1, 2, 3]))


@pytest.mark.parametrize("capacity", [0, 715_827_883, 10**10])
def test_positions_fit_32_bits(capacity):
    with pytest.raises(ValueError, match=r"capacity: expected (an integer|a number) >= 1"):
        UniformReplay(capacity, Box(-1, 1, (1,), np.float32), Discrete(2), seed=0)
